import { ITEMS_PER_STEP, type Steps } from '../../async/steps.js';
import type { ChangedObject } from '../../diff/diff-changes.js';
import type { DiffElement } from '../../diff/diff.js';
import type { StaleChange } from '../../diff/sync-outcome.js';
import { objectKey, type PlannedElement } from './planned-elements.js';

/**
 * The changes of a plan that are stale: those of objects that have changed, or whose parent has, and those that cannot be made
 * without them: all below a create or delete that is left out, the other half of a move, the links of what is not created, and a
 * delete above one that is left out.
 */
export class StaleChanges {
  /** The changes that are left out -> why. */
  readonly reasons = new Map<DiffElement, string>();
  /** By index: the index behind the last element below. */
  private readonly ends: number[] = [];
  /** The indexes of creates, of deletes and of links to be made, by object. */
  private readonly creates = new Map<string, number>();
  private readonly deletes = new Map<string, number>();
  private readonly links = new Map<string, number[]>();
  /** Indexes of changes that are left out, and of which those that rest on them are not looked for yet. */
  private readonly open: number[] = [];

  constructor(private readonly planned: readonly PlannedElement[]) {}

  /** Finds the changes that are left out. @param changed the indexes of elements that are no longer as the plan saw them -> how. */
  *finding(changed: ReadonlyMap<number, string>): Steps<void> {
    if (changed.size === 0) return;
    yield* this.indexing();
    for (const [at, how] of changed) {
      yield;
      if (this.planned[at]?.element.action === null) this.leaveChildren(at, `${this.nameOf(at)} ${how}`);
      else this.leave(at, `it ${how}`);
    }
    for (let at = this.open.pop(); at !== undefined; at = this.open.pop()) {
      yield;
      this.leaveDependent(at);
    }
  }

  /** Returns the changes that are left out, in the order of the plan. */
  *listing(): Steps<StaleChange[]> {
    const found: StaleChange[] = [];
    const above: ChangedObject[] = [];
    for (const { element, depth } of this.planned) {
      yield;
      above.length = depth;
      const object = { model: element.type, uid: element.comparedUid ?? element.name };
      const [reason, { action, linkOnly }] = [this.reasons.get(element), element];
      if (reason !== undefined && action !== null) {
        const change = linkOnly ? (action === 'create' ? 'link' : 'unlink') : action;
        found.push({ ...object, parents: [...above], action: change, reason });
      }
      above.push(object);
    }
    return found;
  }

  private *indexing(): Steps<void> {
    const { planned, ends } = this;
    for (let at = planned.length - 1; at >= 0; at--) {
      if (at % ITEMS_PER_STEP === 0) yield;
      const { element, parent } = planned[at] as PlannedElement;
      const end = (ends[at] ??= at + 1);
      if (parent >= 0) ends[parent] = Math.max(ends[parent] ?? 0, end);
      const [key, { action, linkOnly }] = [objectKey(element), element];
      if (linkOnly) {
        if (action !== 'create') continue;
        const known = this.links.get(key);
        if (known === undefined) this.links.set(key, [at]);
        else known.push(at);
      } else if (action === 'create') this.creates.set(key, at);
      else if (action === 'delete') this.deletes.set(key, at);
    }
  }

  private leave(at: number, reason: string): void {
    const { element } = this.planned[at] as PlannedElement;
    if (element.action === null || this.reasons.has(element)) return;
    this.reasons.set(element, reason);
    this.open.push(at);
  }

  private leaveChildren(above: number, reason: string): void {
    const end = this.ends[above] as number;
    for (let at = above + 1; at < end; at = this.ends[at] as number) this.leave(at, reason);
  }

  /** Leaves out what cannot be made without a change. */
  private leaveDependent(index: number): void {
    const { element, parent } = this.planned[index] as PlannedElement;
    const { action, linkOnly } = element;
    const name = this.nameOf(index);
    if (this.planned[parent]?.element.action === 'delete') this.leave(parent, `${name} below it is left out`);
    if (linkOnly) return;
    if (action === 'update') {
      this.leaveChildren(index, `${name}, its parent, is left out`);
      return;
    }
    const end = this.ends[index] as number;
    for (let at = index + 1; at < end; at++) this.leave(at, `the ${action} of ${name} above it is left out`);
    const key = objectKey(element);
    const other = (action === 'create' ? this.deletes : this.creates).get(key);
    if (other !== undefined) this.leave(other, 'the other half of its move is left out');
    if (action !== 'create') return;
    for (const link of this.links.get(key) ?? []) this.leave(link, `the create of ${name} is left out`);
  }

  private nameOf(index: number): string {
    const { element } = this.planned[index] as PlannedElement;
    return `${element.type} ${element.comparedUid ?? element.name}`;
  }
}
