import { Pace } from '../../async/event-loop.js';
import { doInSteps, itemsInSteps, type Steps } from '../../async/steps.js';
import type { DiffElement } from '../../diff/diff.js';
import { walk } from '../../diff/diff-walk.js';
import { MAX_ATOMIC_FLUSH } from '../../store/write-behind.js';
import { checkAborted } from '../side.js';
import { maxBatchSize } from './call-hooks.js';
import type { FilterAnswers } from './filter-answers.js';
import { isDeletedLast, type FoundNode, type Frame } from './frame.js';
import { ObjectWork, type SyncParts } from './object-work.js';
import { isNode, type SyncNode } from './sync-plan.js';

/** So many elements are applied level by level at a time: whole subtrees, so that it may be more. */
const SLICE = 50_000;
/** The target's objects are fetched for so many elements at a time. */
const FETCH = 500;

/**
 * Applies elements level by level, in groups of one model and action: the hooks of a group get as many objects as they can
 * take, whatever parents these have.
 */
export class GroupedWalk {
  private readonly work: ObjectWork;
  private readonly pace = new Pace();
  /** Nodes below deletes whose objects stay, because other parents list them; they are applied with the next level. */
  private staying: FoundNode[] = [];

  constructor(
    private readonly parts: SyncParts,
    private readonly filter: FilterAnswers,
    private readonly batchSize: number,
  ) {
    parts.cache.outOfOrder = true;
    this.work = new ObjectWork(parts, (olds) => this.deleteMoved(olds));
  }

  /** Applies all elements. */
  async applyAll(): Promise<void> {
    for await (const slice of itemsInSteps(this.slicesOfRoots())) {
      let level: FoundNode[] = slice;
      while (level.length > 0) {
        const above: Frame[] = [];
        for (const group of groupsOf(level)) append(above, await this.applyGroup(group));
        const below = await this.findBelow(above);
        level = [...below, ...this.staying].toSorted((a, b) => a.node.index - b.node.index);
        this.staying = [];
      }
    }
  }

  /** Yields roots of one type each, because a type may depend on another, or undefined. Passes those without any change. */
  private *slicesOfRoots(): Generator<FoundNode[] | undefined, void, undefined> {
    let slice: FoundNode[] = [];
    let elements = 0;
    for (const root of this.parts.plan.roots()) {
      if (!isNode(root)) {
        yield* this.passingInactive(root);
        continue;
      }
      const type = slice[0]?.node.element.type ?? root.element.type;
      if (elements >= SLICE || type !== root.element.type) {
        yield slice;
        [slice, elements] = [[], 0];
      }
      slice.push({ node: root, parent: undefined });
      elements += root.end - root.index;
    }
    if (slice.length > 0) yield slice;
  }

  private findBelow(frames: readonly Frame[]): Promise<FoundNode[]> {
    return doInSteps(this.findingBelow(frames), () => checkAborted(this.parts.signal));
  }

  private *passingInactive(top: DiffElement): Steps<void> {
    for (const { element } of walk([top])) {
      yield;
      this.parts.report.passInactive(element);
    }
  }

  /** Returns the children of frames, in the diff's order. Passes those without any change. */
  private *findingBelow(frames: readonly Frame[]): Steps<FoundNode[]> {
    const { moves } = this.parts;
    const found: FoundNode[] = [];
    for (const frame of frames.toSorted((a, b) => a.node.index - b.node.index)) {
      for (const child of this.work.entriesBelow(frame)) {
        yield;
        if (!isNode(child)) yield* this.passingInactive(child);
        else if (!moves.isSettled(child)) found.push({ node: child, parent: frame.model });
      }
    }
    return found;
  }

  /** Applies nodes of one level, model and action. @returns the frames whose children are applied next. */
  private async applyGroup(group: readonly FoundNode[]): Promise<Frame[]> {
    const { node } = group[0] as FoundNode;
    if (node.element.linkOnly) {
      for (const chunk of chunksOf(group, FETCH)) {
        await this.parts.links.apply(chunk, { signal: this.parts.signal });
      }
      return [];
    }
    if (node.action === 'delete') {
      for (const subtrees of this.slicesOfDeletes(group)) await this.deleteSubtrees(subtrees);
      return [];
    }
    const above: Frame[] = [];
    const most = maxBatchSize(node, this.batchSize, this.parts.concurrency);
    let ready: Frame[] = [];
    for (const chunk of chunksOf(group, FETCH)) {
      for (const frame of await this.open(chunk)) {
        const due = this.pace.yieldIfDue();
        if (due !== undefined) await due;
        checkAborted(this.parts.signal);
        if (frame.node.action === null) {
          if (this.parts.report.passUnchanged(frame.node, frame.model)) above.push(frame);
        } else if (await this.filter.isWanted(frame.node)) {
          ready.push(frame);
        } else if (frame.node.action === 'update') {
          above.push(frame);
        }
      }
      while (ready.length >= most) {
        append(above, await this.run(ready.slice(0, most)));
        ready = ready.slice(most);
      }
    }
    append(above, await this.runAll(ready));
    return above;
  }

  private async open(found: readonly FoundNode[]): Promise<Frame[]> {
    await this.parts.cache.load(
      found.map(({ node }) => node),
      this.parts.signal,
    );
    return found.map((each) => this.work.openFrame(each));
  }

  private async run(frames: readonly Frame[]): Promise<Frame[]> {
    checkAborted(this.parts.signal);
    return this.work.run(frames);
  }

  /** Calls the hooks of frames of one model and action, in batches. */
  private async runAll(frames: readonly Frame[]): Promise<Frame[]> {
    const [first] = frames;
    if (first === undefined) return [];
    const open: Frame[] = [];
    const most = maxBatchSize(first.node, this.batchSize, this.parts.concurrency);
    for (const batch of chunksOf(frames, most)) append(open, await this.run(batch));
    return open;
  }

  // ---- Deletes: a whole subtree at a time, so that the store can write it in one batch.

  private *slicesOfDeletes(group: readonly FoundNode[]): Generator<FoundNode[], void, undefined> {
    const most = Math.max(MAX_ATOMIC_FLUSH, this.batchSize);
    let slice: FoundNode[] = [];
    let elements = 0;
    for (const each of group) {
      const size = each.node.end - each.node.index;
      if (slice.length > 0 && elements + size > most) {
        yield slice;
        [slice, elements] = [[], 0];
      }
      slice.push(each);
      elements += size;
    }
    if (slice.length > 0) yield slice;
  }

  /** Deletes objects with everything below them: level by level, then those that are deleted last, from the lowest level up. */
  private async deleteSubtrees(roots: readonly FoundNode[]): Promise<void> {
    const { cache, moves, plan, subtrees, signal } = this.parts;
    const found = roots.filter(({ node }) => !moves.isSettled(node));
    const hasBelow = found.some(({ node }) => node.end > node.index + 1);
    const subtree = hasBelow ? subtrees.open() : undefined;
    const below = found.flatMap(({ node }) => [...plan.subtree(node, MAX_ATOMIC_FLUSH)]);
    await cache.load(below, signal);
    const last: Frame[][] = [];
    for (let level = found; level.length > 0;) {
      const above: Frame[] = [];
      const later: Frame[] = [];
      for (const group of groupsOf(level)) {
        if (group[0]?.node.element.linkOnly === true) await this.parts.links.apply(group, { signal });
        else append(above, await this.deleteGroup(group, later));
      }
      last.push(later);
      const next = await this.findBelow(above);
      level = next.filter(({ node }) => node.action === 'delete');
      for (const each of next) if (each.node.action !== 'delete') this.staying.push(each);
    }
    for (const later of last.toReversed()) {
      for (const group of groupsOf(later)) await this.runAll(group);
    }
    subtree?.close();
  }

  /** @param later gets the frames that are deleted last. @returns the frames whose children are deleted next. */
  private async deleteGroup(group: readonly FoundNode[], later: Frame[]): Promise<Frame[]> {
    const { moves, signal } = this.parts;
    const above: Frame[] = [];
    const ready: Frame[] = [];
    for (const frame of await this.open(group.filter(({ node }) => !moves.isSettled(node)))) {
      const due = this.pace.yieldIfDue();
      if (due !== undefined) await due;
      checkAborted(signal);
      if (!(await this.filter.isWanted(frame.node))) {
        moves.leaveDelete(frame.node);
        continue;
      }
      if (!(await moves.mayLeave(frame.node))) continue;
      moves.begin(frame.node);
      if (isDeletedLast(frame)) {
        later.push(frame);
        above.push(frame);
      } else {
        ready.push(frame);
      }
    }
    return [...above, ...(await this.runAll(ready))];
  }

  private async deleteMoved(olds: readonly SyncNode[]): Promise<void> {
    const { moves } = this.parts;
    let open = olds.toSorted((a, b) => a.index - b.index);
    while (open.length > 0) {
      // A delete below another one of them is done with that one, unless that one fails.
      const outermost: SyncNode[] = [];
      for (const old of open) if (old.index >= (outermost.at(-1)?.end ?? 0)) outermost.push(old);
      for (const subtrees of this.slicesOfDeletes(await this.found(outermost))) await this.deleteSubtrees(subtrees);
      for (const old of outermost) moves.settle(old);
      open = open.filter((old) => !moves.hasBegun(old));
    }
  }

  /** Returns nodes with their parents' objects. */
  private async found(nodes: readonly SyncNode[]): Promise<FoundNode[]> {
    const { cache, plan } = this.parts;
    const above = nodes.map((node) => plan.parentOf(node));
    await cache.load(above.filter((node) => node !== undefined));
    const found: FoundNode[] = [];
    for (const [at, node] of nodes.entries()) {
      const parent = above[at];
      found.push({ node, parent: parent && (await cache.aside(parent)) });
    }
    return found;
  }
}

/** Groups nodes by model and action, in the order in which these first appear. */
function groupsOf<F extends FoundNode>(found: readonly F[]): Iterable<F[]> {
  const groups = new Map<string, F[]>();
  for (const each of found) {
    const { element, action } = each.node;
    const key = `${element.type} ${element.linkOnly ? 'link ' : ''}${action ?? ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  return groups.values();
}

/** Appends one item at a time: to spread a list of any length into arguments overflows the call stack. */
function append<T>(list: T[], items: readonly T[]): void {
  for (const item of items) list.push(item);
}

function* chunksOf<T>(items: readonly T[], size: number): Generator<T[], void, undefined> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
