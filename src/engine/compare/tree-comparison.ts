import { Pace } from '../../async/event-loop.js';
import { doInSteps, type Steps } from '../../async/steps.js';
import type { Diff, DiffElement } from '../../diff/diff.js';
import type { DanglingLink } from '../../diff/sync-outcome.js';
import { DiffSyncFlags } from '../../flags.js';
import { overridesChildren } from '../../model/class-inspection.js';
import { DiffSyncModel } from '../../model/diffsync-model.js';
import type { ObjectView } from '../../record/record-view.js';
import type { Progress } from '../progress.js';
import type { RunLogger } from '../run-logger.js';
import { checkAborted, type Side } from '../side.js';
import { ChildClaims, type ChildList } from './child-claims.js';
import type { ChildLister } from './child-lists.js';
import { comparisonError, nameTakenError } from './comparison-errors.js';
import { ChildReader } from './child-reader.js';
import { PairComparer, type PairResults } from './compare-pair.js';
import type { ObjectReader } from './object-reader.js';
import type { PairNode } from './pair-node.js';
import { nestedTypes } from './partition.js';
import { recordFailure, replayEvents, type DiffEvent } from './diff-events.js';
import { countChildren, createPair, mappingByUid, matchingUids, pairAt, UIDS_PER_STEP, type Pair } from './pairing.js';
import type { Scope } from './scope.js';
import { SharedChildren, type Homes, type SideName } from './shared-children.js';
import { VisitedObjects, type Objects } from './visited.js';

/** What every walk of one comparison has in common. */
export interface ComparisonContext {
  readonly src: Side;
  readonly dst: Side;
  readonly logger: RunLogger;
  /** The source's objects as they would be in the target, and the target's. */
  readonly readers: Readonly<Record<SideName, ObjectReader>>;
  readonly scope: Scope;
  readonly lister: ChildLister;
  readonly flags: DiffSyncFlags;
  readonly diffClass: new () => Diff;
  readonly signal: AbortSignal | undefined;
  /** Whether one side is empty, so that no object can be on both. */
  readonly isOneSided: boolean;
}

/** The children of so many parents are read in one pass. Bounds memory, and lets the progress show. */
const SLICE_CHILDREN = 20_000;

/**
 * One walk down both trees, level by level: the children of many parents are read in one pass, both sides concurrently.
 * Elements, progress and log lines come in the reference's order all the same, depth first.
 */
export class TreeComparison {
  readonly comparer: PairComparer;
  readonly visited: Readonly<Record<SideName, VisitedObjects>>;
  readonly shared = new SharedChildren();
  /** The links that name objects which do not exist, by side, in the order in which they were read. */
  readonly dangling: Readonly<Record<SideName, DanglingLink[]>> = { src: [], dst: [] };
  /** Whether objects of the target were taken out again, which may list what was not. */
  hidesParents = false;
  /** The top elements by type. */
  readonly groups = new Map<string, DiffElement[]>();
  private readonly claims: ChildClaims;
  private readonly pace = new Pace();

  /** @param homes decided by an earlier walk, for objects that stand at several places. */
  constructor(
    private readonly context: ComparisonContext,
    private readonly homes: Homes,
    private readonly progress: Progress,
  ) {
    const { src, dst, flags, scope, diffClass } = context;
    this.visited = { src: new VisitedObjects(src.name), dst: new VisitedObjects(dst.name) };
    this.comparer = new PairComparer(src, dst, flags, scope, diffClass, this.shared);
    this.claims = new ChildClaims(this.visited, this.shared, homes);
  }

  /** Compares the objects of these top-level types, and everything below them. */
  async compareTypes(types: readonly string[]): Promise<void> {
    const { src, dst } = this.context;
    const classes = [...src.modelClasses.values(), ...dst.modelClasses.values()];
    const nested = nestedTypes([src, dst]);
    for (const type of types.filter((each) => !nested.has(each))) {
      const [srcObjects, dstObjects] = await this.readAll(type);
      if (classes.some((model) => overridesChildren(model, DiffSyncModel))) {
        this.visited.src.markAllVisited(type, await this.do(mappingByUid(srcObjects)));
        this.visited.dst.markAllVisited(type, await this.do(mappingByUid(dstObjects)));
      }
      const roots = await this.compareRoots(srcObjects, dstObjects);
      const before = this.groups.get(type);
      this.groups.set(type, before === undefined ? roots : [...before, ...roots]);
    }
    await this.compareNestedTypes(types.filter((type) => nested.has(type)));
  }

  /** Compares objects that have no parent, and everything below them, a slice of parents at a time. */
  async compareRoots(src: readonly ObjectView[], dst: readonly ObjectView[]): Promise<DiffElement[]> {
    const results: PairResults = { elements: [], events: [] };
    let slice: PairNode[] = [];
    let children = 0;
    const { signal } = this.context;
    const [ours, theirs] = [src, dst].map((objects) => objects.map((obj) => obj.getUniqueId()));
    const matches = await this.do(matchingUids(ours ?? [], theirs ?? []));
    const count = src.length + matches.rest.length;
    for (let at = 0; at < count; at++) {
      const due = this.pace.yieldIfDue();
      if (due !== undefined) await due;
      checkAborted(signal);
      const pair = pairAt(src, dst, matches, at, this.context);
      const node = this.compareRoot(pair, results);
      if (node === undefined) continue;
      slice.push(node);
      children += countChildren(pair);
      if (children < SLICE_CHILDREN) continue;
      await this.compareBelow(slice);
      await this.replay(results.events.splice(0));
      slice = [];
      children = 0;
    }
    await this.compareBelow(slice);
    await this.replay(results.events);
    return results.elements;
  }

  private compareRoot(pair: Pair, results: PairResults): PairNode | undefined {
    try {
      return this.comparer.compare(pair, undefined, results);
    } catch (error) {
      const obj = (pair.src ?? pair.dst) as ObjectView;
      throw comparisonError(error, this.context, obj.getType(), obj.getUniqueId(), undefined);
    }
  }

  private readAll(type: string): Promise<[src: readonly ObjectView[], dst: readonly ObjectView[]]> {
    const { src, dst } = this.context.readers;
    return Promise.all([src.all(type), dst.all(type)]);
  }

  /**
   * Compares the top-level types that are also children of some type. An object that a parent lists was visited under that
   * parent. The others are roots, unless another unvisited object lists them. Objects that are unvisited after that are
   * listed in a cycle.
   */
  private async compareNestedTypes(types: readonly string[]): Promise<void> {
    if (types.length === 0) return;
    const objects = { src: new Map<string, Objects>(), dst: new Map<string, Objects>() };
    for (const type of types) {
      const [src, dst] = await this.readAll(type);
      objects.src.set(type, await this.do(mappingByUid(src)));
      objects.dst.set(type, await this.do(mappingByUid(dst)));
    }
    for (const side of ['src', 'dst'] as const) {
      for (const { [side]: obj } of this.comparer.skippedParents) {
        if (obj !== undefined) this.visited[side].markChildrenVisited(obj);
      }
      await this.do(this.visited[side].markingDescendants(objects[side]));
    }
    const roots = {
      src: await this.do(this.visited.src.takingRoots(objects.src, this.homes)),
      dst: await this.do(this.visited.dst.takingRoots(objects.dst, this.homes)),
    };
    for (const type of types) {
      const [src, dst] = [roots.src, roots.dst].map((all) => [...(all.get(type)?.values() ?? [])]);
      this.groups.set(type, await this.compareRoots(src ?? [], dst ?? []));
    }
    for (const side of ['src', 'dst'] as const) await this.do(this.visited[side].checkingAll(objects[side]));
  }

  /** Compares everything below these nodes, a level at a time. */
  private async compareBelow(slice: readonly PairNode[]): Promise<void> {
    let nodes = slice;
    while (nodes.length > 0) {
      const { readers: objects } = this.context;
      const readers = {
        src: new ChildReader(objects.src, this.visited.src),
        dst: new ChildReader(objects.dst, this.visited.dst),
      };
      const lists = await this.do(this.claims.claiming(nodes.flatMap((node) => this.context.lister.list(node))));
      await this.do(queueingReads(readers, lists));
      const next: PairNode[] = [];
      try {
        await Promise.all([readers.src.findClaimedElsewhere(), readers.dst.findClaimedElsewhere()]);
        for (const list of lists) {
          // The replay throws the failure that is first depth first, so that nothing after it is needed.
          if (!(await this.compareChildren(list, readers, next))) break;
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
  private async compareChildren(list: ChildList, readers: LevelReaders, next: PairNode[]): Promise<boolean> {
    const { node, type, src, dst, matches } = list;
    const { below } = node.event;
    const { signal } = this.context;
    const results: PairResults = { elements: [], events: below };
    const [ours, theirs] = [readers.src.cursor(type), readers.dst.cursor(type)];
    const srcCount = matches.partners.length;
    const pairs = srcCount + matches.rest.length;
    try {
      for (const uid of readers.src.checkClaimedElsewhere(node, type, src)) this.addDangling('src', node, type, uid);
      for (const uid of readers.dst.checkClaimedElsewhere(node, type, dst)) this.addDangling('dst', node, type, uid);
    } catch (error) {
      return recordFailure(below, error);
    }
    // A unique id that is listed again counts as an object, as far as a list is longer than the pairs that are compared.
    const surplus = Math.max(src.occurrences - pairs, 0) + Math.max(dst.occurrences - pairs, 0);
    if (surplus > 0) below.push(surplus);
    for (let at = 0; at < pairs; at++) {
      const [here, there] = [at < srcCount, at >= srcCount || matches.partners[at] !== -1];
      const due = this.pace.yieldIfDue();
      if (due !== undefined) await due;
      checkAborted(signal);
      if ((here && !ours.isReady) || (there && !theirs.isReady)) {
        await Promise.all([ours.fetch(), theirs.fetch()]);
      }
      try {
        const [mine, other] = [here ? ours.take() : undefined, there ? theirs.take() : undefined];
        if (here && mine === undefined) this.addDangling('src', node, type, src.owned[at] as string);
        if (there && other === undefined) {
          const index = here ? (matches.partners[at] as number) : (matches.rest[at - srcCount] as number);
          this.addDangling('dst', node, type, dst.owned[index] as string);
        }
        if (mine === undefined && other === undefined) continue;
        const child = this.comparer.compare(createPair(mine, other), node, results);
        if (child !== undefined) next.push(this.isHomed(type, child.uid) ? { ...child, isHomed: true } : child);
      } catch (error) {
        const uid = here ? src.owned[at] : dst.owned[matches.rest[at - srcCount] as number];
        return recordFailure(below, comparisonError(error, this.context, type, uid as string, node));
      }
    }
    for (const element of results.elements) {
      const due = this.pace.yieldIfDue();
      if (due !== undefined) await due;
      try {
        node.element.addChild(element);
      } catch (error) {
        return recordFailure(below, nameTakenError(error, element, node));
      }
    }
    return true;
  }

  /** Records a link that names an object which does not exist; the object is not visited by it. */
  private addDangling(side: SideName, node: PairNode, type: string, uid: string): void {
    const { element, uid: parent } = node;
    this.visited[side].unmark(type, uid);
    this.shared.dropListing(type, uid, node, side);
    this.dangling[side].push({ model: element.type, uniqueId: parent, child: { model: type, uniqueId: uid } });
  }

  private isHomed(type: string, uid: string): boolean {
    return this.homes.get(type)?.has(uid) ?? false;
  }

  private do<T>(steps: Steps<T>): Promise<T> {
    return doInSteps(steps, () => checkAborted(this.context.signal));
  }

  private replay(events: readonly DiffEvent[]): Promise<void> {
    return replayEvents(events, this.progress, this.context.logger, this.context.signal);
  }
}

/** The readers of both sides' children on one level of the tree. */
type LevelReaders = Readonly<Record<SideName, ChildReader>>;

/** Queues the children of all lists on both sides, each in the order in which the pairs are compared. */
function* queueingReads(readers: LevelReaders, lists: readonly ChildList[]): Steps<void> {
  for (const { type, src, dst, matches } of lists) {
    yield;
    const [ours, theirs] = [readers.src.cursor(type).uids, readers.dst.cursor(type).uids];
    const { partners, rest } = matches;
    for (const uid of src.owned) if (ours.push(uid) % UIDS_PER_STEP === 0) yield;
    for (const at of partners) if (at !== -1 && theirs.push(dst.owned[at] as string) % UIDS_PER_STEP === 0) yield;
    for (const at of rest) if (theirs.push(dst.owned[at] as string) % UIDS_PER_STEP === 0) yield;
    readers.src.queueElsewhere(type, src);
    readers.dst.queueElsewhere(type, dst);
  }
}
