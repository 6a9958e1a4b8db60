import { forEachYielding } from '../../async/event-loop.js';
import { doInSteps } from '../../async/steps.js';
import type { UnlistedCounts } from '../../diff/sync-outcome.js';
import { childUidsOf, type ObjectView } from '../../record/record-view.js';
import { checkAborted, type Side } from '../side.js';
import { presentUids } from './object-reader.js';
import { nestedTypes } from './partition.js';
import { mappingByUid } from './pairing.js';
import { parentKey, type ElementPath, type SideName } from './shared-children.js';
import type { ComparisonContext, TreeComparison } from './tree-comparison.js';
import type { Objects } from './visited.js';

/** Where an object of the target is that the walk has not visited: below a skipped one (its parent's key), or nowhere. */
export interface HiddenObjects {
  /** Type -> unique id -> the key of the parent below a skipped object. */
  readonly skipped: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Type -> unique id -> the parent under which the source lists it; no parent of the target lists it. */
  readonly unlisted: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** How many objects of each model a side has. */
export type ModelCounts = ReadonlyMap<string, number>;

const NO_OBJECTS: HiddenObjects = { skipped: new Map(), unlisted: new Map() };

/** The objects of child types that no parent lists. A walk does not meet them, so they show by the number of objects. */
export class UnlistedObjects {
  constructor(
    private readonly context: ComparisonContext,
    private readonly tree: TreeComparison,
    private readonly counts: Readonly<Record<SideName, ModelCounts>>,
  ) {}

  /** Whether the target has objects that the walk has not met, and that it may have under another parent or under none. */
  get mayBeHidden(): boolean {
    const { src, dst } = this.context;
    for (const [type, count] of this.counts.dst) {
      // Top-level types of both sides are read as a whole.
      if (src.topLevel.includes(type) && dst.topLevel.includes(type)) continue;
      if (count > this.tree.visited.dst.count(type)) return true;
    }
    return false;
  }

  /** Finds objects that the source alone seems to have, and that are in the target's store all the same. */
  async findHidden(): Promise<HiddenObjects> {
    if (!this.mayBeHidden) return NO_OBJECTS;
    const { shared, visited } = this.tree;
    const { src, dst, readers } = this.context;
    const hidden = new Map<string, Map<string, string>>();
    for (const type of shared.oneSidedTypes('src')) {
      if (src.topLevel.includes(type) && dst.topLevel.includes(type)) continue;
      if ((this.counts.dst.get(type) ?? 0) <= visited.dst.count(type)) continue;
      const candidates = new Map<string, string>();
      await forEachYielding(shared.oneSidedObjects('src', type), ([uid, { element, parent }]) => {
        if (element !== undefined && !visited.dst.has(type, uid)) candidates.set(uid, parentKey(parent));
      });
      for (const uid of await presentUids(readers.dst, type, [...candidates.keys()])) {
        const found = hidden.get(type) ?? new Map<string, string>();
        hidden.set(type, found.set(uid, candidates.get(uid) as string));
      }
    }
    if (hidden.size === 0) return NO_OBJECTS;
    this.dropDescendants(hidden);
    const below = await this.parentsBelowSkipped();
    const split = (isSkipped: boolean): Map<string, Map<string, string>> =>
      new Map(
        [...hidden].map(([type, found]) => {
          const skipped = below.get(type);
          const entries = [...found].filter(([uid]) => (skipped?.has(uid) ?? false) === isSkipped);
          return [
            type,
            new Map(entries.map(([uid, home]) => [uid, isSkipped ? (skipped?.get(uid) as string) : home])),
          ] as const;
        }),
      );
    return { skipped: split(true), unlisted: split(false) };
  }

  /** Drops what the source lists below another hidden object: the next walk meets it there. */
  private dropDescendants(hidden: ReadonlyMap<string, Map<string, string>>): void {
    const isHidden = ({ element }: ElementPath): boolean =>
      hidden.get(element.type)?.has(element.comparedUid ?? '') ?? false;
    const below: (readonly [type: string, uid: string])[] = [];
    for (const [type, found] of hidden) {
      for (const uid of found.keys()) {
        let at = this.tree.shared.onlyOn('src', type, uid)?.parent;
        while (at !== undefined && !isHidden(at)) at = at.parent;
        if (at !== undefined) below.push([type, uid]);
      }
    }
    for (const [type, uid] of below) hidden.get(type)?.delete(uid);
  }

  /** Counts the unlisted objects of the types that the walk has read as a whole. */
  count(): Record<string, UnlistedCounts> {
    const found: Record<string, UnlistedCounts> = {};
    const [source, target] = [this.countSide('src'), this.countSide('dst')];
    for (const type of new Set([...source.keys(), ...target.keys()])) {
      found[type] = { source: source.get(type) ?? 0, target: target.get(type) ?? 0 };
    }
    return found;
  }

  /** Reads the target's unlisted objects that the source does not have: those that no other such object lists. */
  async readSurplus(): Promise<ReadonlyMap<string, readonly ObjectView[]>> {
    const { src, dst } = this.context.readers;
    const objects = new Map<string, Objects>();
    const check = (): void => checkAborted(this.context.signal);
    for (const type of this.countSide('dst').keys()) {
      objects.set(type, await doInSteps(mappingByUid(await dst.all(type)), check));
    }
    const surplus = new Map<string, readonly ObjectView[]>();
    for (const [type, roots] of await doInSteps(this.tree.visited.dst.takingRoots(objects), check)) {
      const inSource = await presentUids(src, type, [...roots.keys()]);
      const own = [...roots.values()].filter((view) => !inSource.has(view.getUniqueId()));
      if (own.length > 0) surplus.set(type, own);
    }
    return surplus;
  }

  private countSide(side: SideName): Map<string, number> {
    const { topLevel } = this.context[side];
    const unread = this.unreadTypes(side);
    const found = new Map<string, number>();
    for (const type of nestedTypes([this.context[side]])) {
      if (topLevel.includes(type) || unread.has(type) || !this.context.scope.reaches(type)) continue;
      const count = (this.counts[side].get(type) ?? 0) - this.tree.visited[side].count(type);
      if (count > 0) found.set(type, count);
    }
    return found;
  }

  /** The types of which the walk may not have met all listed objects: those below a skipped object or an uncompared type. */
  private unreadTypes(side: SideName): ReadonlySet<string> {
    const { src, dst, lister } = this.context;
    const { modelClasses, topLevel } = this.context[side];
    const other = side === 'src' ? dst : src;
    const pending = [
      ...lister.leftOut[side],
      ...topLevel
        .filter((type) => !other.topLevel.includes(type))
        .flatMap((type) => childTypes(this.context[side], type)),
      ...this.tree.comparer.skippedParents.flatMap(({ [side]: obj }) => Object.keys(obj?.getChildrenMapping() ?? {})),
    ];
    const unread = new Set<string>();
    for (let type = pending.pop(); type !== undefined; type = pending.pop()) {
      if (unread.has(type) || !modelClasses.has(type)) continue;
      unread.add(type);
      for (const child of childTypes(this.context[side], type)) pending.push(child);
    }
    return unread;
  }

  /** Walks down from the target's skipped objects. @returns type -> unique id -> the key of the parent. */
  private async parentsBelowSkipped(): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
    const parents = new Map<string, Map<string, string>>();
    let level = this.tree.comparer.skippedParents.flatMap(({ dst }) => dst ?? []);
    while (level.length > 0) {
      const next = new Map<string, string[]>();
      for (const obj of level) {
        for (const [type, field] of Object.entries(obj.getChildrenMapping())) {
          const known = parents.get(type) ?? new Map<string, string>();
          parents.set(type, known);
          for (const uid of childUidsOf(obj, field)) {
            if (known.has(uid)) continue;
            known.set(uid, `${obj.getType()} ${obj.getUniqueId()}`);
            const uids = next.get(type);
            if (uids === undefined) next.set(type, [uid]);
            else uids.push(uid);
          }
        }
      }
      level = [];
      for (const [type, uids] of next) {
        for await (const page of this.context.readers.dst.byUids(type, uids)) {
          for (const view of page) if (view !== undefined) level.push(view);
        }
      }
    }
    return parents;
  }
}

function childTypes({ modelClasses }: Side, type: string): string[] {
  return Object.keys(modelClasses.get(type)?.getChildrenMapping() ?? {});
}
