import { ITEMS_PER_STEP, type Steps } from '../../async/steps.js';
import type { DiffElement } from '../../diff/diff.js';
import { DiffCycle } from '../../errors.js';
import { childUidsOf, type ObjectView } from '../../record/record-view.js';

/** The objects of one type, by unique id. */
export type Objects = ReadonlyMap<string, ObjectView>;

/** The position of an object in the tree of a diff: itself and its ancestors. */
export interface TreePosition {
  readonly element: DiffElement;
  readonly uid: string;
  readonly parent: TreePosition | undefined;
  /** Whether it is compared below a parent that does not list it on both sides: then what is above it is not its ancestry. */
  readonly isHomed?: boolean;
}

/**
 * The visited set of one side. An object is compared once, under the first parent that lists it, however many parents list
 * it; so a child type that is also top-level is compared under its parents.
 */
export class VisitedObjects {
  private readonly visited = new Map<string, Set<string>>();

  /** @param side the adapter's name, for errors. */
  constructor(private readonly side: string) {}

  has(type: string, uid: string): boolean {
    return this.visited.get(type)?.has(uid) ?? false;
  }

  /** How many objects of a type are visited. */
  count(type: string): number {
    return this.visited.get(type)?.size ?? 0;
  }

  /** Marks an object as visited. @returns whether it was not visited before. */
  markVisited(type: string, uid: string): boolean {
    let uids = this.visited.get(type);
    if (uids === undefined) this.visited.set(type, (uids = new Set()));
    return uids.size !== uids.add(uid).size;
  }

  /** Takes back that an object is visited: a list names it, and it does not exist. */
  unmark(type: string, uid: string): void {
    this.visited.get(type)?.delete(uid);
  }

  /** Marks all these objects as visited. */
  markAllVisited(type: string, objects: Objects): void {
    for (const uid of objects.keys()) this.markVisited(type, uid);
  }

  /** @throws DiffCycle if a child of `parent` is also one of its ancestors, or `parent` itself. */
  checkBelow(parent: TreePosition, type: string, uid: string): void {
    for (let at: TreePosition | undefined = parent; at !== undefined; at = at.parent) {
      if (at.uid === uid && at.element.type === type) throw this.cycle(pathFrom(at, parent, `${type} ${uid}`));
      if (at.isHomed === true) return;
    }
  }

  /** Marks the children that an object lists as visited. */
  markChildrenVisited(obj: ObjectView): void {
    for (const [type, uid] of links(obj)) this.markVisited(type, uid);
  }

  /**
   * Marks everything below visited objects as visited, because what is below a skipped object is skipped with it.
   * @param onlyThese whether to mark none but the given objects: a list may name others that do not exist.
   */
  *markingDescendants(objects: ReadonlyMap<string, Objects>, onlyThese = false): Steps<void> {
    const pending: ObjectView[] = [];
    let count = 0;
    for (const [type, all] of objects) {
      for (const [uid, obj] of all) {
        if (count++ % ITEMS_PER_STEP === 0) yield;
        if (this.has(type, uid)) pending.push(obj);
      }
    }
    for (let obj = pending.pop(); obj !== undefined; obj = pending.pop()) {
      for (const [type, uid] of links(obj)) {
        if (count++ % ITEMS_PER_STEP === 0) yield;
        const child = objects.get(type)?.get(uid);
        if (onlyThese && child === undefined) continue;
        if (this.markVisited(type, uid) && child !== undefined) pending.push(child);
      }
    }
  }

  /**
   * Returns the roots, and marks them as visited: the unvisited objects that no other unvisited object lists.
   * @param homes where objects are compared whatever lists them: '' is the top.
   */
  *takingRoots(
    objects: ReadonlyMap<string, Objects>,
    homes: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(),
  ): Steps<ReadonlyMap<string, Objects>> {
    const listed = new Map<string, Set<string>>();
    const free = new Map<string, Map<string, ObjectView>>();
    let count = 0;
    for (const [type, all] of objects) {
      const rest = new Map<string, ObjectView>();
      free.set(type, rest);
      for (const [uid, obj] of all) {
        if (count++ % ITEMS_PER_STEP === 0) yield;
        if (this.has(type, uid)) continue;
        rest.set(uid, obj);
        for (const [childType, child] of links(obj)) {
          if (count++ % ITEMS_PER_STEP === 0) yield;
          add(listed, childType, child);
        }
      }
    }
    for (const [type, rest] of free) {
      const homed = homes.get(type);
      for (const uid of listed.get(type) ?? []) {
        if (count++ % ITEMS_PER_STEP === 0) yield;
        if (homed?.get(uid) !== '') rest.delete(uid);
      }
      for (const [uid, home] of homed ?? []) if (home !== '') rest.delete(uid);
      for (const uid of rest.keys()) {
        if (count++ % ITEMS_PER_STEP === 0) yield;
        this.markVisited(type, uid);
      }
    }
    return free;
  }

  /** @throws DiffCycle if an object is still unvisited: another unvisited object lists it, and so on in a cycle. */
  *checkingAll(objects: ReadonlyMap<string, Objects>): Steps<void> {
    yield* this.markingDescendants(objects, true);
    let count = 0;
    for (const [type, all] of objects) {
      for (const [uid, obj] of all) {
        if (count++ % ITEMS_PER_STEP === 0) yield;
        if (!this.has(type, uid)) throw this.cycleFrom(obj, objects);
      }
    }
  }

  private cycleFrom(start: ObjectView, objects: ReadonlyMap<string, Objects>): DiffCycle {
    const listedBy = new Map<ObjectView, ObjectView>();
    for (const all of objects.values()) {
      for (const obj of all.values()) {
        for (const [type, uid] of links(obj)) {
          const child = objects.get(type)?.get(uid);
          if (child !== undefined) listedBy.set(child, obj);
        }
      }
    }
    const seen = new Map<ObjectView, ObjectView>();
    let at = start;
    for (let parent = listedBy.get(at); parent !== undefined && !seen.has(at); parent = listedBy.get(at)) {
      seen.set(at, parent);
      at = parent;
    }
    const path = [`${at.getType()} ${at.getUniqueId()}`];
    for (let obj = seen.get(at); obj !== undefined; obj = seen.get(obj)) {
      path.unshift(`${obj.getType()} ${obj.getUniqueId()}`);
      if (obj === at) break;
    }
    return this.cycle(path);
  }

  private cycle(path: readonly string[]): DiffCycle {
    return new DiffCycle(`Objects of ${this.side} are each other's children: ${path.join(' -> ')}`, path);
  }
}

/** Returns the names of what lies from `top` down to `parent`, and of its child. */
function pathFrom(top: TreePosition, parent: TreePosition, child: string): string[] {
  const path = [child];
  for (let at: TreePosition | undefined = parent; at !== undefined; at = at === top ? undefined : at.parent) {
    path.push(`${at.element.type} ${at.uid}`);
  }
  return path.toReversed();
}

/** Yields the children that an object lists, as type and unique id. */
function* links(obj: ObjectView): Generator<readonly [type: string, uid: string], void, undefined> {
  for (const [type, field] of Object.entries(obj.getChildrenMapping())) {
    for (const uid of childUidsOf(obj, field)) yield [type, uid];
  }
}

function add(sets: Map<string, Set<string>>, type: string, uid: string): void {
  const uids = sets.get(type);
  if (uids === undefined) sets.set(type, new Set([uid]));
  else uids.add(uid);
}
