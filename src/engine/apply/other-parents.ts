import { childUidsOf } from '../../record/record-view.js';
import { viewAll, viewByUids } from '../../store/engine-access.js';
import type { Side } from '../side.js';

interface Lister {
  readonly type: string;
  readonly uid: string;
  readonly field: string;
}

/**
 * Finds what other parents list of the objects below one that goes with everything below it. The diff does not say it of
 * parents that it leaves out, by a flag, a filter or its scope: so the store is asked, once for each type of children.
 */
export class OtherParents {
  private readonly listers = new Map<string, Map<string, Lister[]>>();

  /** @param signal ends every read; not given where what a hook did is still to be saved. */
  constructor(
    private readonly dst: Side,
    private readonly signal?: AbortSignal,
  ) {}

  /**
   * @param own - keys, `type uid`, of the parents that go.
   * @returns those of the unique ids that another parent lists, which is in the store still.
   */
  async keep(
    type: string,
    uids: readonly string[],
    own: Pick<ReadonlySet<string>, 'has'>,
  ): Promise<ReadonlySet<string>> {
    const index = await this.index(type);
    const byType = new Map<string, Map<string, Lister>>();
    for (const uid of uids) {
      for (const lister of index.get(uid) ?? []) {
        if (own.has(`${lister.type} ${lister.uid}`)) continue;
        const alike = byType.get(lister.type) ?? new Map<string, Lister>();
        byType.set(lister.type, alike.set(lister.uid, lister));
      }
    }
    const listed = new Set<string>();
    for (const [parentType, alike] of byType) {
      // They may have changed, or be gone, since the index was made.
      for await (const page of viewByUids(this.dst.store, parentType, [...alike.keys()], this.signal)) {
        for (const view of page) {
          const field = view && alike.get(view.getUniqueId())?.field;
          if (view !== undefined && field !== undefined) for (const uid of childUidsOf(view, field)) listed.add(uid);
        }
      }
    }
    return new Set(uids.filter((uid) => listed.has(uid)));
  }

  private async index(type: string): Promise<ReadonlyMap<string, readonly Lister[]>> {
    let index = this.listers.get(type);
    if (index !== undefined) return index;
    this.listers.set(type, (index = new Map<string, Lister[]>()));
    for (const model of this.dst.modelClasses.values()) {
      const { modelName } = model;
      const mapping = model.getChildrenMapping();
      const field = Object.hasOwn(mapping, type) ? mapping[type] : undefined;
      if (field === undefined) continue;
      for (const view of await viewAll(this.dst.store, modelName, this.signal)) {
        const lister = { type: modelName, uid: view.getUniqueId(), field };
        for (const uid of childUidsOf(view, field)) {
          const known = index.get(uid);
          if (known === undefined) index.set(uid, [lister]);
          else known.push(lister);
        }
      }
    }
    return index;
  }
}
