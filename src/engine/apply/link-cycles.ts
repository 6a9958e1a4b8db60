import { overridesChildren } from '../../model/class-inspection.js';
import { DiffSyncModel } from '../../model/diffsync-model.js';
import { childUids } from '../../model/model-fields.js';
import type { Side } from '../side.js';

/** A child as a list names it. */
interface Child {
  readonly type: string;
  readonly uid: string;
}

/**
 * Finds the links that would make an object its own ancestor: the source has no such cycle, but with a link of the target that
 * is not removed, or not yet, its links may make one. Only models that are their own descendants can have one.
 */
export class LinkCycles {
  /** Type -> the types that may be anywhere below its objects. */
  private readonly below = new Map<string, ReadonlySet<string>>();
  /** Links that are about to be made, by the parent's `type uid`: the store may not have them yet. */
  private readonly accepted = new Map<string, Child[]>();

  constructor(private readonly dst: Side) {}

  /** Whether the parent is the child, or below it. A link that closes no cycle counts as made from now on. */
  async closes(parent: DiffSyncModel, child: DiffSyncModel): Promise<boolean> {
    const [parentType, parentUid] = [parent.getType(), parent.getUniqueId()];
    if (!this.typesBelow(child.getType()).has(parentType)) return false;
    const seen = new Set<string>();
    let level: readonly DiffSyncModel[] = [child];
    while (level.length > 0) {
      const next = new Map<string, Set<string>>();
      for (const obj of level) {
        for (const { type, uid } of this.childrenOf(obj)) {
          if (type === parentType && uid === parentUid) return true;
          const isNew = seen.size !== seen.add(`${type} ${uid}`).size;
          if (isNew && this.typesBelow(type).has(parentType)) next.set(type, (next.get(type) ?? new Set()).add(uid));
        }
      }
      level = await this.read(next);
    }
    const key = `${parentType} ${parentUid}`;
    const link = { type: child.getType(), uid: child.getUniqueId() };
    const links = this.accepted.get(key);
    if (links === undefined) this.accepted.set(key, [link]);
    else links.push(link);
    return false;
  }

  private *childrenOf(obj: DiffSyncModel): Generator<Child, void, undefined> {
    for (const [type, field] of Object.entries(obj.getChildrenMapping())) {
      for (const uid of childUids(obj, field)) yield { type, uid };
    }
    yield* this.accepted.get(`${obj.getType()} ${obj.getUniqueId()}`) ?? [];
  }

  private async read(uids: ReadonlyMap<string, ReadonlySet<string>>): Promise<DiffSyncModel[]> {
    const found: DiffSyncModel[] = [];
    for (const [model, some] of uids) {
      const objects = await this.dst.store.find({ model, uids: [...some] });
      for (const obj of objects) if (obj !== undefined) found.push(obj);
    }
    return found;
  }

  private typesBelow(type: string): ReadonlySet<string> {
    const known = this.below.get(type);
    if (known !== undefined) return known;
    const found = new Set<string>();
    const pending = [type];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (const child of this.childTypes(at)) {
        if (found.size !== found.add(child).size) pending.push(child);
      }
    }
    this.below.set(type, found);
    return found;
  }

  private childTypes(type: string): Iterable<string> {
    const { modelClasses } = this.dst;
    const model = modelClasses.get(type);
    if (model === undefined) return [];
    return overridesChildren(model, DiffSyncModel) ? modelClasses.keys() : Object.keys(model.getChildrenMapping());
  }
}
