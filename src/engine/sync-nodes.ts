import type { Diff } from '../diff/diff.js';
import type { DiffElement } from '../diff/diff-element.js';
import { walk } from '../diff/tree.js';
import { ObjectStoreWrongType } from '../errors.js';
import type { DiffSyncAction } from '../flags.js';
import type { ModelClass } from '../model/defined-model.js';
import { joinsIdentifiers } from '../model/diffsync-model.js';
import type { Side } from './side.js';

/** An element of the diff, at its place in depth-first order. */
export interface SyncNode {
  readonly index: number;
  readonly element: DiffElement;
  readonly action: DiffSyncAction | null;
  readonly model: ModelClass;
  readonly uid: string;
  /** The index of the element above, or -1. */
  readonly parent: number;
  /** The index behind the last element below this one. */
  end: number;
  /** Whether it, or anything below it, has something to do: else the target's object need not be looked at. */
  active: boolean;
  /**
   * Whether something below this delete is created elsewhere in the same diff. Then children are deleted first: were the
   * sync to fail in between, those left over would be unreachable, and in the way of their creation.
   */
  aboveMove: boolean;
}

/** A diff's elements in depth-first order, in arrays rather than a tree, so that depth costs no call stack. */
export class SyncNodes {
  readonly list: readonly SyncNode[];
  /** `type uid` -> the delete, not yet begun, of an object that is created elsewhere in the same diff: it has moved. */
  readonly moves: Map<string, number>;

  /** @throws ObjectStoreWrongType for a type of which the target has no model. */
  constructor(
    diff: Diff,
    private readonly dst: Side,
  ) {
    const list: SyncNode[] = [];
    const above: SyncNode[] = [];
    const created = new Set<string>();
    const deleted = new Map<string, number>();
    for (const { element, depth } of walk(diff.getChildren())) {
      const index = list.length;
      while (above.length > depth) (above.pop() as SyncNode).end = index;
      const { action } = element;
      const model = this.modelClass(element.type);
      const uid = uidOf(element, model);
      const parent = above.at(-1)?.index ?? -1;
      const active = action !== null;
      const node = { index, element, action, model, uid, parent, end: index + 1, active, aboveMove: false };
      list.push(node);
      above.push(node);
      if (action === 'create') created.add(keyOf(node));
      if (action === 'delete') deleted.set(keyOf(node), index);
    }
    for (const open of above) open.end = list.length;
    this.moves = new Map([...deleted].filter(([key]) => created.has(key)));
    const moving = new Set(this.moves.values());
    for (let index = list.length - 1; index >= 0; index--) {
      const { active, aboveMove, parent } = list[index] as SyncNode;
      const node = parent < 0 ? undefined : list[parent];
      if (node === undefined) continue;
      node.active ||= active;
      node.aboveMove ||= aboveMove || moving.has(index);
    }
    this.list = list;
  }

  get length(): number {
    return this.list.length;
  }

  at(index: number): SyncNode {
    return this.list[index] as SyncNode;
  }

  /** The elements directly below one, or with -1 those at the top. */
  children(index: number): SyncNode[] {
    const end = index < 0 ? this.length : this.at(index).end;
    const children: SyncNode[] = [];
    for (let at = index + 1; at < end; at = this.at(at).end) children.push(this.at(at));
    return children;
  }

  /** The top elements in the order in which they are worked on: deletes last and in reverse where models depend on others. */
  roots(): SyncNode[] {
    const roots = this.children(-1);
    if (!roots.some(({ model }) => model.definition.dependsOn.length > 0)) return roots;
    const types = [...new Set(roots.map(({ element }) => element.type))].toReversed();
    const deletes = types.flatMap((type) =>
      roots.filter(({ element, action }) => action === 'delete' && element.type === type),
    );
    return [...roots.filter(({ action }) => action !== 'delete'), ...deletes];
  }

  /** The parents of an element as `type uid`, outermost first. */
  path({ parent }: SyncNode): string[] {
    const path: string[] = [];
    for (let at = parent; at >= 0; at = this.at(at).parent) path.unshift(keyOf(this.at(at)));
    return path;
  }

  private modelClass(type: string): ModelClass {
    const model = this.dst.modelClasses.get(type);
    if (model !== undefined) return model;
    throw new ObjectStoreWrongType(`${this.dst.name} has no model "${type}", which the diff names`);
  }
}

/** Most keys are never asked for, and stay where they are. */
function uidOf(element: DiffElement, model: ModelClass): string {
  const known = joinsIdentifiers(model) ? element.uidOf(model.definition.identifiers) : undefined;
  return known ?? model.createUniqueId(element.keys as never);
}

export function keyOf({ element, uid }: SyncNode): string {
  return `${element.type} ${uid}`;
}
