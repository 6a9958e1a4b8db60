import { viewAll } from '../../store/engine-access.js';
import type { Diff, DiffElement } from '../../diff/diff.js';
import type { DiffTerms } from '../../diff/diff-plan.js';
import { DiffSyncFlags } from '../../flags.js';
import type { ObjectView } from '../../record/record-view.js';
import { Progress, type ProgressCallback } from '../progress.js';
import { checkAborted, type Side } from '../side.js';
import { ChildLister, type ChildList, type LevelReaders } from './child-lists.js';
import { ChildReader } from './child-reader.js';
import { PairComparer, type PairNode, type PairResults } from './compare-pair.js';
import { overridesChildren, sortByDependency } from './dependency-order.js';
import { recordFailure, replayEvents, type DiffEvent } from './diff-events.js';
import { byUid, countChildren, createPair, pairObjects } from './pairing.js';
import { Scope, type ScopeOptions } from './scope.js';
import { VisitedObjects, type Objects } from './visited.js';

/**
 * How two adapters are compared.
 *
 * @example
 * ```ts
 * const diff = await cmdb.diffFrom(network, { flags: DiffSyncFlags.SKIP_UNMATCHED_DST, signal: AbortSignal.timeout(60_000) });
 * ```
 */
export interface DiffOptions extends ScopeOptions {
  /** Flags of the comparison, combined with `|`. Default: NONE. */
  readonly flags?: DiffSyncFlags;
  /** The class of the diff that is returned. Default: `Diff`. */
  readonly diffClass?: new () => Diff;
  /** Is called as objects are compared. Default: no callback. */
  readonly onProgress?: ProgressCallback;
  /** Ends the work with SyncAborted (SYNC_ABORTED) when it is aborted. Default: no signal. */
  readonly signal?: AbortSignal;
}

/** The children of so many parents are read in one pass. Bounds memory, and lets the progress show. */
const SLICE_CHILDREN = 20_000;

/**
 * Compares two sides and fills `diff`; writes nothing to them.
 * @param diffClass the class of the diffs below `diff`.
 * @returns the diff, once its `complete` has settled.
 */
export async function compareSides(
  src: Side,
  dst: Side,
  options: DiffOptions,
  diff: Diff,
  diffClass: new () => Diff,
): Promise<Diff> {
  return new Differ(src, dst, options, diffClass).fill(diff);
}

/**
 * Goes down both trees level by level: the children of many parents are read in one pass, both sides concurrently.
 * Elements, progress and log lines come in the reference's order all the same, depth first.
 */
class Differ {
  private readonly scope: Scope;
  private readonly comparer: PairComparer;
  private readonly lister: ChildLister;
  private readonly visited: { readonly src: VisitedObjects; readonly dst: VisitedObjects };
  private progress = new Progress('diff', 0, undefined);

  constructor(
    private readonly src: Side,
    private readonly dst: Side,
    private readonly options: DiffOptions,
    diffClass: new () => Diff,
  ) {
    this.scope = new Scope(options, [src, dst]);
    this.comparer = new PairComparer(src, dst, options.flags ?? DiffSyncFlags.NONE, this.scope, diffClass);
    this.lister = new ChildLister(dst, this.scope);
    this.visited = { src: new VisitedObjects(src.name), dst: new VisitedObjects(dst.name) };
  }

  async fill(diff: Diff): Promise<Diff> {
    const { src, dst } = this;
    const [srcCount, dstCount] = await Promise.all([src.store.count(), dst.store.count()]);
    const total = srcCount + dstCount;
    this.progress = new Progress('diff', total, this.options.onProgress);
    dst.logger.debug(`Diff calculation between these two datasets will involve ${total} models`);
    dst.logger.info('Beginning diff calculation');

    await this.advancePastUncompared();
    const common = sortByDependency(
      dst.topLevel.filter((type) => src.topLevel.includes(type) && this.scope.reaches(type)),
      dst,
    );
    const classes = [...src.modelClasses.values(), ...dst.modelClasses.values()];
    const nested = new Set(classes.flatMap((model) => Object.keys(model.getChildrenMapping())));
    const groups = new Map<string, DiffElement[]>();
    for (const type of common.filter((each) => !nested.has(each))) {
      const [srcObjects, dstObjects] = await this.readAll(type);
      if (classes.some(overridesChildren)) {
        this.visited.src.markAllVisited(type, byUid(srcObjects));
        this.visited.dst.markAllVisited(type, byUid(dstObjects));
      }
      const roots = await this.compareRoots(srcObjects, dstObjects);
      const before = groups.get(type);
      groups.set(type, before === undefined ? roots : [...before, ...roots]);
    }
    await this.compareNestedTypes(
      common.filter((type) => nested.has(type)),
      groups,
    );
    for (const type of new Set(common)) for (const element of groups.get(type) ?? []) diff.add(element);

    diff.modelsProcessed = this.progress.current;
    diff.terms = { ...termsOf(src, dst, this.options), compared: this.comparer.compared };
    this.progress.finish();
    dst.logger.info('Diff calculation complete');
    await diff.complete();
    return diff;
  }

  /** Advances the progress past the types that only one side has at its top: they are not compared. */
  private async advancePastUncompared(): Promise<void> {
    const { src, dst } = this;
    const only = (a: Side, b: Side): string[] => a.topLevel.filter((type) => !b.topLevel.includes(type));
    for (const type of [...new Set([...only(dst, src), ...only(src, dst)])].toSorted()) {
      this.progress.advance(await (dst.topLevel.includes(type) ? dst : src).store.count({ model: type }));
    }
  }

  private readAll(type: string): Promise<[src: ObjectView[], dst: ObjectView[]]> {
    return Promise.all([viewAll(this.src.store, type), viewAll(this.dst.store, type)]);
  }

  /**
   * Compares the top-level types that are also children of some type. An object that a parent lists was visited under that
   * parent. The others are roots, unless another unvisited object lists them. Objects that are unvisited after that are
   * listed in a cycle.
   */
  private async compareNestedTypes(types: readonly string[], groups: Map<string, DiffElement[]>): Promise<void> {
    if (types.length === 0) return;
    const objects = { src: new Map<string, Objects>(), dst: new Map<string, Objects>() };
    for (const type of types) {
      const [src, dst] = await this.readAll(type);
      objects.src.set(type, byUid(src));
      objects.dst.set(type, byUid(dst));
    }
    for (const side of ['src', 'dst'] as const) {
      for (const { [side]: obj } of this.comparer.skippedParents) {
        if (obj !== undefined) this.visited[side].markChildrenVisited(obj);
      }
      this.visited[side].markDescendantsVisited(objects[side]);
    }
    const roots = { src: this.visited.src.takeRoots(objects.src), dst: this.visited.dst.takeRoots(objects.dst) };
    for (const type of types) {
      const [src, dst] = [roots.src, roots.dst].map((all) => [...(all.get(type)?.values() ?? [])]);
      groups.set(type, await this.compareRoots(src ?? [], dst ?? []));
    }
    for (const side of ['src', 'dst'] as const) this.visited[side].checkAllVisited(objects[side]);
  }

  /** Compares objects that have no parent, and everything below them, a slice of parents at a time. */
  private async compareRoots(src: readonly ObjectView[], dst: readonly ObjectView[]): Promise<DiffElement[]> {
    const results: PairResults = { elements: [], events: [] };
    let slice: PairNode[] = [];
    let children = 0;
    for (const pair of pairObjects(src, dst)) {
      const node = this.comparer.compare(pair, undefined, results);
      if (node === undefined) continue;
      slice.push(node);
      children += countChildren(pair);
      if (children < SLICE_CHILDREN) continue;
      await this.compareBelow(slice);
      this.replay(results.events.splice(0));
      slice = [];
      children = 0;
    }
    await this.compareBelow(slice);
    this.replay(results.events);
    return results.elements;
  }

  /** Compares everything below these nodes, a level at a time. */
  private async compareBelow(slice: readonly PairNode[]): Promise<void> {
    let nodes = slice;
    while (nodes.length > 0) {
      const readers: LevelReaders = {
        src: new ChildReader(this.src, this.visited.src),
        dst: new ChildReader(this.dst, this.visited.dst),
      };
      const lists = nodes.flatMap((node) => this.lister.list(node, readers).map((list) => ({ node, list })));
      const next: PairNode[] = [];
      try {
        await Promise.all([readers.src.findClaimedElsewhere(), readers.dst.findClaimedElsewhere()]);
        for (const { node, list } of lists) {
          // The replay throws the failure that is first depth first, so that nothing after it is needed.
          if (!(await this.compareChildren(node, list, readers, next))) break;
        }
      } finally {
        await Promise.all([readers.src.close(), readers.dst.close()]);
      }
      nodes = next;
    }
  }

  /**
   * Compares one parent's children of one type.
   * @param next gets the pairs that have children themselves.
   * @returns whether it succeeded; a failure is recorded as an event.
   */
  private async compareChildren(
    node: PairNode,
    list: ChildList,
    readers: LevelReaders,
    next: PairNode[],
  ): Promise<boolean> {
    const { type, src, dst, matches } = list;
    const { below } = node.event;
    const results: PairResults = { elements: [], events: below };
    const [ours, theirs] = [readers.src.cursor(type), readers.dst.cursor(type)];
    const srcCount = matches.partners.length;
    const pairs = srcCount + matches.rest.length;
    try {
      readers.src.checkClaimedElsewhere(node, type, src);
      readers.dst.checkClaimedElsewhere(node, type, dst);
    } catch (error) {
      return recordFailure(below, error);
    }
    // A unique id that is listed again counts as an object, as far as a list is longer than the pairs that are compared.
    const surplus = Math.max(src.occurrences - pairs, 0) + Math.max(dst.occurrences - pairs, 0);
    if (surplus > 0) below.push(surplus);
    for (let at = 0; at < pairs; at++) {
      const [here, there] = [at < srcCount, at >= srcCount || matches.partners[at] !== -1];
      if ((here && !ours.isReady) || (there && !theirs.isReady)) {
        checkAborted(this.options.signal);
        await Promise.all([ours.fetch(), theirs.fetch()]);
      }
      try {
        const pair = createPair(here ? ours.take() : undefined, there ? theirs.take() : undefined);
        const child = this.comparer.compare(pair, node, results);
        if (child !== undefined) next.push(child);
      } catch (error) {
        return recordFailure(below, error);
      }
    }
    try {
      for (const element of results.elements) node.element.addChild(element);
    } catch (error) {
      return recordFailure(below, error);
    }
    return true;
  }

  private replay(events: readonly DiffEvent[]): void {
    replayEvents(events, this.progress, this.dst.logger);
  }
}

function termsOf(src: Side, dst: Side, options: DiffOptions): DiffTerms {
  const { flags = DiffSyncFlags.NONE, modelTypes, syncAttrs, excludeAttrs, filters } = options;
  return {
    source: src.name,
    target: dst.name,
    flags,
    ...(modelTypes === undefined ? {} : { modelTypes }),
    ...(syncAttrs === undefined ? {} : { syncAttrs }),
    ...(excludeAttrs === undefined ? {} : { excludeAttrs }),
    ...(filters === undefined ? {} : { filtered: true }),
  };
}
