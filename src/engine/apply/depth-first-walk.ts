import { Pace } from '../../async/event-loop.js';
import type { DiffElement } from '../../diff/diff.js';
import { walk } from '../../diff/diff-walk.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import { checkAborted } from '../side.js';
import type { FilterAnswers } from './filter-answers.js';
import { isDeletedLast, skipsChildren, type Frame } from './frame.js';
import { ObjectWork, type SyncParts } from './object-work.js';
import { isNode, type SyncEntry, type SyncNode } from './sync-plan.js';

/** Siblings that are being applied. */
interface Cursor {
  readonly siblings: readonly SyncEntry[];
  /** The index of the next sibling. */
  at: number;
  readonly parent: DiffSyncModel | undefined;
  /** The frame of the siblings' parent; undefined where the walk began. */
  readonly above: Frame | undefined;
  /** Whether the parent is deleted after these siblings. */
  readonly deletesAbove: boolean;
}

/** Applies one element after another in the reference's order: each before those below it, unless it is deleted last. */
export class DepthFirstWalk {
  private readonly work: ObjectWork;
  private readonly pace = new Pace();

  constructor(
    private readonly parts: SyncParts,
    private readonly filter: FilterAnswers,
  ) {
    this.work = new ObjectWork(parts, (olds) => this.deleteMoved(olds));
  }

  /** Applies all elements. */
  async applyAll(): Promise<void> {
    await this.apply(this.parts.plan.roots(), undefined);
  }

  /** Applies siblings and everything below them, without recursion. */
  private async apply(siblings: readonly SyncEntry[], parent: DiffSyncModel | undefined): Promise<void> {
    const stack: Cursor[] = [{ siblings, at: 0, parent, above: undefined, deletesAbove: false }];
    for (let cursor = stack.at(-1); cursor !== undefined; cursor = stack.at(-1)) {
      const entry = cursor.siblings[cursor.at++];
      if (entry === undefined) {
        stack.pop();
        const { above, deletesAbove } = cursor;
        if (above !== undefined && deletesAbove) await this.work.run([above]);
        above?.subtree?.close();
      } else if (!isNode(entry)) {
        const due = this.pace.yieldIfDue();
        if (due !== undefined) await due;
        this.parts.report.passInactive(entry);
        const below = entry.getChildren();
        if (below.length > 0) await this.passAll(below);
      } else if (!this.parts.moves.isSettled(entry)) {
        const due = this.pace.yieldIfDue();
        if (due !== undefined) await due;
        checkAborted(this.parts.signal);
        const below = await this.applyNode(entry, cursor.parent);
        if (below !== undefined) stack.push(below);
      }
    }
  }

  /** @returns a cursor over the children, if they are applied next. */
  private async applyNode(node: SyncNode, parent: DiffSyncModel | undefined): Promise<Cursor | undefined> {
    const { cache, links, moves, report } = this.parts;
    if (node.element.linkOnly) {
      await links.apply([{ node, parent }], { signal: this.parts.signal });
      return undefined;
    }
    if (!cache.holds(node)) await cache.advance(node, this.parts.signal);
    const frame = this.work.openFrame({ node, parent });
    if (node.action === null) return report.passUnchanged(node, frame.model) ? this.below(frame) : undefined;
    if (this.filter.asks && !(await this.filter.isWanted(node))) {
      if (node.action === 'delete') moves.leaveDelete(node);
      return node.action === 'update' ? this.below(frame) : undefined;
    }
    if (node.action === 'delete') {
      if (!moves.isEmpty && !(await moves.mayLeave(node))) return undefined;
      moves.begin(node);
    }
    if (isDeletedLast(frame)) return this.below(frame, true);
    frame.atomic = node.action === 'delete' && node.end > node.index + 1 && !skipsChildren(frame);
    const [open] = await this.work.run([frame]);
    return open === undefined ? undefined : this.below(frame);
  }

  private below(frame: Frame, deletesAbove = false): Cursor | undefined {
    const siblings = this.work.entriesBelow(frame);
    if (siblings.length === 0 && !deletesAbove) return undefined;
    return { siblings, at: 0, parent: frame.model, above: frame, deletesAbove };
  }

  /** Passes elements without any action, and all below them. */
  private async passAll(elements: readonly DiffElement[]): Promise<void> {
    for (const { element } of walk(elements)) {
      const due = this.pace.yieldIfDue();
      if (due !== undefined) await due;
      this.parts.report.passInactive(element);
    }
  }

  private async deleteMoved(olds: readonly SyncNode[]): Promise<void> {
    const { cache, moves, plan } = this.parts;
    const wasOutOfOrder = cache.outOfOrder;
    cache.outOfOrder = true;
    for (const old of olds) {
      const above = plan.parentOf(old);
      await this.apply([old], above && (await cache.aside(above)));
      moves.settle(old);
    }
    cache.outOfOrder = wasOutOfOrder;
  }
}
