import type { DiffElement } from '../../diff/diff.js';
import { DiffCycle } from '../../errors.js';
import { childUidsOf, type ObjectView } from '../../record/record-view.js';

/** Objects of one type, by unique id. */
export type Objects = ReadonlyMap<string, ObjectView>;

/** An object on its way down from the top of a diff, as one side has it. */
export interface TreePosition {
  readonly element: DiffElement;
  readonly uid: string;
  readonly parent: TreePosition | undefined;
}

/**
 * Where one side's objects stand in the diff. An object has one place, that of the first parent that lists it, however
 * many list it; so a child type that is also top-level is handled once, under its parent.
 */
export class VisitedObjects {
  private readonly visited = new Map<string, Set<string>>();

  /** @param side the adapter's name, for errors. */
  constructor(private readonly side: string) {}

  has(type: string, uid: string): boolean {
    return this.visited.get(type)?.has(uid) ?? false;
  }

  /** @returns whether it is the first time. */
  markVisited(type: string, uid: string): boolean {
    let uids = this.visited.get(type);
    if (uids === undefined) this.visited.set(type, (uids = new Set()));
    return uids.size !== uids.add(uid).size;
  }

  markAllVisited(type: string, objects: Objects): void {
    for (const uid of objects.keys()) this.markVisited(type, uid);
  }

  /** @throws DiffCycle when what stands below `parent` stands above it too. */
  checkBelow(parent: TreePosition, type: string, uid: string): void {
    const path = [`${type} ${uid}`];
    for (let at: TreePosition | undefined = parent; at !== undefined; at = at.parent) {
      path.unshift(`${at.element.type} ${at.uid}`);
      if (at.element.type === type && at.uid === uid) throw this.cycle(path);
    }
  }

  /** Meets what an object lists, where that has no place yet. */
  markChildrenVisited(obj: ObjectView): void {
    for (const [type, uid] of links(obj)) this.markVisited(type, uid);
  }

  /** Meets all that lies below what is met: what is below something left out is left out with it. */
  markDescendantsVisited(objects: ReadonlyMap<string, Objects>): void {
    const pending = [...objects].flatMap(([type, all]) =>
      [...all].filter(([uid]) => this.has(type, uid)).map(([, obj]) => obj),
    );
    for (let obj = pending.pop(); obj !== undefined; obj = pending.pop()) {
      for (const [type, uid] of links(obj)) {
        const child = this.markVisited(type, uid) ? objects.get(type)?.get(uid) : undefined;
        if (child !== undefined) pending.push(child);
      }
    }
  }

  /** Meets the objects that are not met and that no other such object lists: they begin at the top. */
  takeRoots(objects: ReadonlyMap<string, Objects>): ReadonlyMap<string, Objects> {
    const listed = new Map<string, Set<string>>();
    const free = new Map<string, Map<string, ObjectView>>();
    for (const [type, all] of objects) {
      const rest = new Map([...all].filter(([uid]) => !this.has(type, uid)));
      free.set(type, rest);
      for (const obj of rest.values()) for (const [childType, uid] of links(obj)) add(listed, childType, uid);
    }
    for (const [type, rest] of free) {
      for (const uid of listed.get(type) ?? []) rest.delete(uid);
      this.markAllVisited(type, rest);
    }
    return free;
  }

  /** @throws DiffCycle when something is not met: every such object is listed by another, so they stand in a circle. */
  checkAllVisited(objects: ReadonlyMap<string, Objects>): void {
    this.markDescendantsVisited(objects);
    for (const [type, all] of objects) {
      for (const [uid, obj] of all) if (!this.has(type, uid)) throw this.cycleFrom(obj, objects);
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

/** The children that an object lists, as type and unique id. */
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
