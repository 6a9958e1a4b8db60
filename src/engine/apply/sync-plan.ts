import { ITEMS_PER_STEP, type Steps } from '../../async/steps.js';
import type { Diff } from '../../diff/diff.js';
import { DiffElement } from '../../diff/diff.js';
import { walk } from '../../diff/diff-walk.js';
import { DiffCompareFailed, ObjectStoreWrongType } from '../../errors.js';
import type { DiffSyncAction } from '../../flags.js';
import { uniqueIdOf, uniqueIdOfParsed } from '../../model/identity.js';
import type { ModelClass } from '../../model/model-class.js';
import type { Side } from '../side.js';

/** An element that has an action, or something below it that has; its index is its position in depth-first order. */
export interface SyncNode {
  readonly index: number;
  readonly element: DiffElement;
  readonly action: DiffSyncAction | null;
  readonly model: ModelClass;
  readonly uid: string;
  /** Why the object's hook is not called: its class or its attributes' comparison throws. The object fails with it. */
  readonly fault: Fault | undefined;
  /** `type uid`. */
  readonly key: string;
  /** Whether the source's values are the output of the model's own schema, which must not parse them again. */
  readonly isParsed: boolean;
  /** The index of the parent, or -1. */
  readonly parent: number;
  /** The index behind the last element below this one. */
  readonly end: number;
  /**
   * Whether an object below this delete is created under another parent in the same diff. Then children are deleted
   * first: if the sync failed in between, the remaining children would be unreachable, and their creation would fail because
   * they exist.
   */
  aboveMove: boolean;
}

/** What makes an object fail before its hook is called. */
export interface Fault {
  readonly error: unknown;
}

/** A node, or an element without any action at it or below it, which stands for everything below it too. */
export type SyncEntry = SyncNode | DiffElement;

/** An element whose descendants are still being walked. */
interface OpenElement {
  readonly index: number;
  readonly element: DiffElement;
  readonly action: DiffSyncAction | null;
  readonly model: ModelClass;
  readonly fault: Fault | undefined;
  /** Whether it has an action, or something below it that has. */
  active: boolean;
}

/** The elements of a diff in depth-first order, in a list and not a tree, so that depth needs no call stack. */
export class SyncPlan {
  private readonly list: SyncEntry[] = [];
  /** All nodes, each before those below it. */
  nodes: readonly SyncNode[] = [];
  /** How many elements the diff has. */
  elements = 0;
  /** Whether any object or link is deleted. */
  hasDeletes = false;

  private constructor(
    private readonly src: Side,
    private readonly dst: Side,
  ) {}

  /** Makes the plan of a diff. @throws ObjectStoreWrongType for a type that the target has no model for. */
  static *making(diff: Diff, src: Side, dst: Side): Steps<SyncPlan> {
    const plan = new SyncPlan(src, dst);
    const open: OpenElement[] = [];
    for (const { element, depth } of walk(diff.getChildren())) {
      if (plan.elements % ITEMS_PER_STEP === 0) yield;
      plan.closeTo(depth, open);
      const added = plan.add(element);
      // Most elements of a large diff are neither active nor above one that is.
      if (added !== undefined) open.push(added);
    }
    plan.closeTo(0, open);
    const nodes: SyncNode[] = [];
    for (const [at, entry] of plan.list.entries()) {
      if (at % ITEMS_PER_STEP === 0) yield;
      if (isNode(entry)) nodes.push(entry);
    }
    plan.nodes = nodes;
    return plan;
  }

  /** @returns the element as one whose descendants come next; undefined for one that has neither an action nor any below it. */
  private add(element: DiffElement): OpenElement | undefined {
    const model = this.modelNamed(element.type);
    let action: DiffSyncAction | null;
    let fault: Fault | undefined;
    try {
      ({ action } = element);
    } catch (error) {
      if (!(error instanceof DiffCompareFailed)) throw error;
      // It would be an update: both sides have the object.
      [action, fault] = ['update', { error }];
    }
    this.elements++;
    const index = this.list.push(element) - 1;
    if (action === null && element.existingChildDiff === undefined) return undefined;
    return { index, element, action, model, fault, active: action !== null };
  }

  private closeTo(depth: number, open: OpenElement[]): void {
    while (open.length > depth) {
      const node = this.close(open.pop() as OpenElement, open.at(-1));
      if (node?.action === 'delete') this.hasDeletes = true;
    }
  }

  get length(): number {
    return this.list.length;
  }

  /** Returns the node at an index; undefined for an element without any action at it or below it. */
  nodeAt(index: number): SyncNode | undefined {
    const entry = this.list[index];
    return entry !== undefined && isNode(entry) ? entry : undefined;
  }

  /** Returns the parent of a node; undefined at the top. */
  parentOf({ parent }: SyncNode): SyncNode | undefined {
    return parent < 0 ? undefined : this.nodeAt(parent);
  }

  /** Yields a node and the nodes below it, each before those below it. @param most how many indexes to look at. */
  *subtree({ index, end }: SyncNode, most = Infinity): Generator<SyncNode, void, undefined> {
    for (let at = index; at < Math.min(end, index + most); at++) {
      const node = this.nodeAt(at);
      if (node !== undefined) yield node;
    }
  }

  /** Returns the children of a node. */
  childrenOf({ index, end }: SyncNode): SyncEntry[] {
    return this.between(index + 1, end);
  }

  /** Returns the roots in the order in which they are applied: if models depend on others, deletes are last, in reverse order. */
  roots(): SyncEntry[] {
    const roots = this.between(0, this.length);
    const types: string[] = [];
    for (const root of roots) {
      const { type } = elementOf(root);
      // They come type by type.
      if (types.at(-1) !== type && !types.includes(type)) types.push(type);
    }
    if (!types.some((type) => this.modelNamed(type).definition.dependsOn.length > 0)) return roots;
    const isDelete = (root: SyncEntry): boolean => isNode(root) && root.action === 'delete';
    const deletes = types
      .toReversed()
      .flatMap((type) => roots.filter((root) => isDelete(root) && elementOf(root).type === type));
    return [...roots.filter((root) => !isDelete(root)), ...deletes];
  }

  /** Returns the ancestors of a node as `type uid`, outermost first. */
  path(node: SyncNode): string[] {
    const path: string[] = [];
    for (let at = this.parentOf(node); at !== undefined; at = this.parentOf(at)) path.unshift(at.key);
    return path;
  }

  /** Returns the unique id of an element's object. */
  uidOf(element: DiffElement): string {
    const model = this.modelNamed(element.type);
    // The stored unique id saves reading the element's keys.
    return element.comparedUid ?? this.uidOfKeys(model, element);
  }

  /** Identifiers that only the source has, under another schema, are looked up as the target's schema makes them. */
  private uidOfKeys(model: ModelClass, { keys, destAttrs, input }: DiffElement): string {
    const isTargets = destAttrs !== null || input?.ids !== undefined || this.isParsed(model);
    const uid = isTargets ? undefined : uniqueIdOf(model, keys);
    // An asynchronous schema cannot be asked here.
    return typeof uid === 'string' ? uid : uniqueIdOfParsed(model, keys);
  }

  private isParsed({ modelName, definition }: ModelClass): boolean {
    return this.src.modelClasses.get(modelName)?.definition.schema === definition.schema;
  }

  private between(start: number, end: number): SyncEntry[] {
    const found: SyncEntry[] = [];
    for (let at = start; at < end; at = this.nodeAt(at)?.end ?? at + 1) {
      found.push(this.list[at] as SyncEntry);
    }
    return found;
  }

  /** Ends the walk below an element: makes it a node if it is active, else drops everything below it from the list. */
  private close(
    { index, element, action, model, fault, active }: OpenElement,
    above: OpenElement | undefined,
  ): SyncNode | undefined {
    const { list } = this;
    if (!active) {
      list.length = index + 1;
      return undefined;
    }
    if (above !== undefined) above.active = true;
    let uid: string;
    let noUid: Fault | undefined;
    try {
      uid = this.uidOf(element);
    } catch (error) {
      // An object whose class makes no unique id of its identifiers fails by itself; it is known by its name then.
      [uid, noUid] = [element.name, { error }];
    }
    const parent = above?.index ?? -1;
    const key = keyOf(element, uid);
    const isParsed = this.isParsed(model);
    const end = list.length;
    const node = {
      index,
      element,
      action,
      model,
      uid,
      key,
      fault: fault ?? noUid,
      isParsed,
      parent,
      end,
      aboveMove: false,
    };
    list[index] = node;
    return node;
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

/** Returns `type uid`. */
export function keyOf(element: DiffElement, uid: string): string {
  return `${element.type} ${uid}`;
}
