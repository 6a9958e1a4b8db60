import type { Diff } from '../../diff/diff.js';
import { DiffElement } from '../../diff/diff.js';
import { walk } from '../../diff/diff-walk.js';
import { ObjectStoreWrongType } from '../../errors.js';
import type { DiffSyncAction } from '../../flags.js';
import type { ModelClass } from '../../model/defined-model.js';
import { usesDefaultUniqueId } from '../../model/diffsync-model.js';
import type { Side } from '../side.js';

/** An element of the diff with something to do, at it or below it, at its place in depth-first order. */
export interface SyncNode {
  readonly index: number;
  readonly element: DiffElement;
  readonly action: DiffSyncAction | null;
  readonly model: ModelClass;
  readonly uid: string;
  /** The index of the element above, or -1. */
  readonly parent: number;
  /** The index behind what is below this element. */
  readonly end: number;
  /**
   * Whether something below this delete is created elsewhere in the same diff. Then children are deleted first: were the
   * sync to fail in between, those left over would be unreachable, and in the way of their creation.
   */
  aboveMove: boolean;
}

/** An element with nothing to do at it and below it stands for itself and for all below it. */
export type SyncEntry = SyncNode | DiffElement;

/** An element of which not all that is below it is known yet. */
interface OpenElement {
  readonly index: number;
  readonly element: DiffElement;
  readonly action: DiffSyncAction | null;
  readonly model: ModelClass;
  active: boolean;
}

/** A diff's elements in depth-first order, in a list rather than a tree, so that depth costs no call stack. */
export class SyncPlan {
  private readonly list: SyncEntry[] = [];
  /** How many elements the diff has. */
  readonly elements: number;
  /** How many of them are deletes. */
  readonly deletes: number;
  /** `type uid` -> the delete, not yet begun, of an object that is created elsewhere in the same diff: it has moved. */
  readonly moves = new Map<string, SyncNode>();

  /** @throws ObjectStoreWrongType for a type of which the target has no model. */
  constructor(
    diff: Diff,
    private readonly dst: Side,
  ) {
    const deleted = new Map<string, SyncNode>();
    let [elements, deletes] = [0, 0];
    const open: OpenElement[] = [];
    const closeTo = (depth: number): void => {
      while (open.length > depth) {
        const node = this.close(open.pop() as OpenElement, open.at(-1));
        if (node?.action !== 'delete') continue;
        deleted.set(keyOf(node), node);
        deletes++;
      }
    };
    for (const { element, depth } of walk(diff.getChildren())) {
      closeTo(depth);
      const { action } = element;
      open.push({
        index: this.list.length,
        element,
        action,
        model: this.modelNamed(element.type),
        active: action !== null,
      });
      this.list.push(element);
      elements++;
    }
    closeTo(0);
    this.elements = elements;
    this.deletes = deletes;
    this.findMoves(deleted);
  }

  get length(): number {
    return this.list.length;
  }

  /** Undefined for an element with nothing to do. */
  nodeAt(index: number): SyncNode | undefined {
    const entry = this.list[index];
    return entry !== undefined && isNode(entry) ? entry : undefined;
  }

  /** The one above a node; undefined at the top. */
  parentOf({ parent }: SyncNode): SyncNode | undefined {
    return parent < 0 ? undefined : this.nodeAt(parent);
  }

  /** A node and those below it, each before the ones below it. */
  *within({ index, end }: SyncNode, most = Infinity): Generator<SyncNode, void, undefined> {
    for (let at = index; at < Math.min(end, index + most); at++) {
      const node = this.nodeAt(at);
      if (node !== undefined) yield node;
    }
  }

  /** What is directly below a node. */
  below({ index, end }: SyncNode): SyncEntry[] {
    return this.between(index + 1, end);
  }

  /** The top in the order in which it is worked on: deletes last and in reverse where models depend on others. */
  roots(): SyncEntry[] {
    const roots = this.between(0, this.length);
    const types = [...new Set(roots.map((root) => elementOf(root).type))];
    if (!types.some((type) => this.modelNamed(type).definition.dependsOn.length > 0)) return roots;
    const isDelete = (root: SyncEntry): boolean => isNode(root) && root.action === 'delete';
    const deletes = types
      .toReversed()
      .flatMap((type) => roots.filter((root) => isDelete(root) && elementOf(root).type === type));
    return [...roots.filter((root) => !isDelete(root)), ...deletes];
  }

  /** The parents of an element as `type uid`, outermost first. */
  path(node: SyncNode): string[] {
    const path: string[] = [];
    for (let at = this.parentOf(node); at !== undefined; at = this.parentOf(at)) path.unshift(keyOf(at));
    return path;
  }

  /** The unique id of an element's object. */
  uidOf(element: DiffElement): string {
    const model = this.modelNamed(element.type);
    // Most keys are never asked for, and stay where they are.
    const known = usesDefaultUniqueId(model) ? element.uidOf(model.definition.identifiers) : undefined;
    return known ?? model.createUniqueId(element.keys as never);
  }

  private between(start: number, end: number): SyncEntry[] {
    const found: SyncEntry[] = [];
    for (let at = start; at < end; at = this.nodeAt(at)?.end ?? at + 1) {
      found.push(this.list[at] as SyncEntry);
    }
    return found;
  }

  /** Once all below it is known: it is a node, or stands for itself and all below it. */
  private close(
    { index, element, action, model, active }: OpenElement,
    above: OpenElement | undefined,
  ): SyncNode | undefined {
    const { list } = this;
    if (!active) {
      list.length = index + 1;
      return undefined;
    }
    if (above !== undefined) above.active = true;
    const uid = this.uidOf(element);
    const node = { index, element, action, model, uid, parent: above?.index ?? -1, end: list.length, aboveMove: false };
    list[index] = node;
    return node;
  }

  private findMoves(deleted: ReadonlyMap<string, SyncNode>): void {
    const nodes = this.list.filter(isNode);
    for (const node of nodes) {
      const old = node.action === 'create' ? deleted.get(keyOf(node)) : undefined;
      if (old !== undefined) this.moves.set(keyOf(node), old);
    }
    const moving = new Set(this.moves.values());
    for (const node of nodes.toReversed()) {
      const parent = this.parentOf(node);
      if (parent !== undefined) parent.aboveMove ||= node.aboveMove || moving.has(node);
    }
  }

  private modelNamed(type: string): ModelClass {
    const model = this.dst.modelClasses.get(type);
    if (model !== undefined) return model;
    throw new ObjectStoreWrongType(`${this.dst.name} has no model "${type}", which the diff names`);
  }
}

function elementOf(entry: SyncEntry): DiffElement {
  return isNode(entry) ? entry.element : entry;
}

export function isNode(entry: SyncEntry): entry is SyncNode {
  return !(entry instanceof DiffElement);
}

export function keyOf({ element, uid }: SyncNode): string {
  return `${element.type} ${uid}`;
}
