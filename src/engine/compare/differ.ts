import { forEachBatch } from '../../async/event-loop.js';
import { doInSteps, type Steps } from '../../async/steps.js';
import type { Diff, DiffElement } from '../../diff/diff.js';
import type { DiffTerms } from '../../diff/diff-plan.js';
import { DiffSyncFlags } from '../../flags.js';
import { overridesChildren } from '../../model/class-inspection.js';
import { DiffSyncModel } from '../../model/diffsync-model.js';
import { secretAttributes } from '../../model/secret-attributes.js';
import { countByModel } from '../../store/engine-access.js';
import { setOwn } from '../../values/own-property.js';
import { CallbackFailures } from '../callback-failures.js';
import { Progress, type ProgressCallback } from '../progress.js';
import { RunLogger } from '../run-logger.js';
import { LOGGER, abortedError, checkAborted, type Side } from '../side.js';
import { ChildLister } from './child-lists.js';
import { nameTakenError } from './comparison-errors.js';
import type { ComparedPart, ComparisonWatch, FinishedWalk } from './compared-part.js';
import { sortByDependency } from './dependency-order.js';
import { CrossingObjects } from './crossing-objects.js';
import { LinkElements } from './link-elements.js';
import { storeReader, type ObjectReader } from './object-reader.js';
import { checkPartition, isPartial, partitionedTypes, PartMembers, partReader, type Partition } from './partition.js';
import { Scope, type AttrLists, type ScopeOptions } from './scope.js';
import type { SideName } from './shared-children.js';
import { mayRenameAny, sourceReader } from './source-reader.js';
import { TreeComparison, type ComparisonContext } from './tree-comparison.js';
import { UnlistedObjects, type ModelCounts } from './unlisted.js';

/** How two adapters are compared. */
export interface DiffOptions extends ScopeOptions {
  /** Flags of the comparison, combined with `|`. Default: NONE. */
  flags?: DiffSyncFlags | undefined;
  /** The class of the diff that is returned. Default: `Diff`. */
  diffClass?: (new () => Diff) | undefined;
  /** Is called as objects are compared. Default: no callback. */
  onProgress?: ProgressCallback | undefined;
  /**
   * What becomes of objects of the target that no parent lists and that the source does not have: `ignore` leaves them, as the
   * reference does, `delete` makes each of them a delete at the top of the diff. Default: `ignore`.
   */
  unlisted?: 'ignore' | 'delete' | undefined;
  /**
   * Whether to read only what may have changed on either side since the last sync of these sides with this option; where that is not
   * known for sure, everything is read, and the diff's `fullBecause` says why. A sync leaves beside the target's objects what the next
   * one goes on from. Default: false, everything is read.
   */
  incremental?: boolean | undefined;
  /** With `incremental`, how often at least everything is read: 10 for every tenth comparison. Default: whenever it is necessary. */
  fullCompareEvery?: number | undefined;
  /**
   * Compares one of several parts: the top-level objects whose unique ids fall into it, with all below them. What several parts have to
   * do with is left out: objects that move from one to another or that parents of two parts list, objects of models with `dependsOn`,
   * and those that no parent lists. Once all parts are synchronised, a sync without this option settles that. Default: no part, all is
   * compared.
   */
  partition?: Partition | undefined;
  /** Ends the work with SyncAborted (SYNC_ABORTED) when it is aborted. Default: no signal. */
  signal?: AbortSignal | undefined;
}

/**
 * Compares two sides and fills `diff`; writes nothing to them.
 * @param diffClass the class of the diffs below `diff`.
 * @param part the objects that are compared. Default: all.
 * @returns the diff, once its `complete` has settled.
 */
export async function compareSides(
  src: Side,
  dst: Side,
  options: DiffOptions,
  diff: Diff,
  diffClass: new () => Diff,
  { part, watch }: { readonly part?: ComparedPart | undefined; readonly watch?: ComparisonWatch | undefined } = {},
): Promise<Diff> {
  return new Differ(src, dst, options, diffClass, part, watch).fill(diff);
}

const NOTHING: FinishedWalk['crossing'] = new Map();
const NO_COUNTS: Readonly<Record<SideName, ModelCounts>> = { src: new Map(), dst: new Map() };

/** So many dangling links of a side are in the warning; all are in the diff. */
const MAX_NAMED = 10;

/** One comparison. Mostly one walk down both trees; objects that stand at several places may take another. */
class Differ {
  private readonly scope: Scope;
  private readonly lister: ChildLister;
  private readonly callbacks = new CallbackFailures();
  private readonly logger: RunLogger;
  private progress: Progress;
  /** What a part has at its top; undefined for the whole. */
  private readonly members: PartMembers | undefined;

  constructor(
    private readonly src: Side,
    private readonly dst: Side,
    private readonly options: DiffOptions,
    private readonly diffClass: new () => Diff,
    private readonly part: ComparedPart | undefined,
    private readonly watch: ComparisonWatch | undefined,
  ) {
    this.scope = new Scope(options, [src, dst]);
    const { flags = DiffSyncFlags.NONE, partition } = options;
    if (partition !== undefined) checkPartition(partition);
    this.members = isPartial(partition) ? new PartMembers(partition) : undefined;
    this.logger = new RunLogger(dst[LOGGER], { source: src.name, target: dst.name, flags }, this.callbacks);
    this.lister = new ChildLister(dst, this.scope, this.logger, part, watch);
    this.progress = new Progress('diff', 0, undefined, this.callbacks);
  }

  async fill(diff: Diff): Promise<Diff> {
    try {
      await this.compare(diff);
    } catch (error) {
      this.callbacks.settle(true);
      throw abortedError(error, this.options.signal);
    }
    this.callbacks.settle(false);
    return diff;
  }

  private async compare(diff: Diff): Promise<void> {
    const { src, dst, logger, part } = this;
    const { flags = DiffSyncFlags.NONE, signal } = this.options;
    checkAborted(signal);
    const counts = part?.totals ?? (await countBoth(src, dst, signal));
    const [srcTotal, dstTotal] = [sum(counts.src), sum(counts.dst)];
    const total = this.totalOf(srcTotal + dstTotal - (part?.others ?? 0));
    this.progress = new Progress('diff', total, this.options.onProgress, this.callbacks);
    logger.debug(`Diff calculation between these two datasets will involve ${total} models`);
    logger.debug('Beginning diff calculation');

    const all = commonTypes(src, dst, this.scope);
    const common = this.members === undefined ? all : partitionedTypes(all, [src, dst]);
    const context: ComparisonContext = {
      src,
      dst,
      logger,
      flags,
      signal,
      readers: part?.readers ?? (await this.readers()),
      scope: this.scope,
      lister: this.lister,
      diffClass: this.diffClass,
      isOneSided: srcTotal === 0 || dstTotal === 0,
    };
    const { tree, leavesOut, crossing } = await this.walk(context, common, part?.counts ?? counts, diff);
    for (const type of new Set([...common, ...tree.groups.keys()])) {
      await forEachBatch(tree.groups.get(type) ?? [], (batch) => {
        for (const element of batch) addTop(diff, element);
      });
    }

    diff.hidesParents = tree.hidesParents || this.hidesParents(tree, diff, counts.dst);
    diff.sharedLinks = await this.do(tree.shared.listingLinks());
    diff.modelsProcessed = this.progress.current + (part?.others ?? 0);
    diff.terms = { ...termsOf(src, dst, this.options), compared: tree.comparer.compared };
    await this.watch?.finish({
      tree,
      counts,
      crossing,
      leavesOut: tree.hidesParents || leavesOut || this.lister.leftOut.src.size + this.lister.leftOut.dst.size > 0,
    });
    this.progress.finish();
    checkAborted(signal);
    logger.debug('Diff calculation complete');
    await diff.complete();
  }

  /**
   * Walks until every object that both sides have is compared as one: a walk may find that an object stands under different
   * parents, several on some side, or is in the target without a parent, and that only where it ends. Another walk then knows.
   */
  private async walk(
    context: ComparisonContext,
    types: readonly string[],
    counts: Readonly<Record<SideName, ModelCounts>>,
    diff: Diff,
  ): Promise<Pick<FinishedWalk, 'tree' | 'leavesOut' | 'crossing'>> {
    const isPart = this.members !== undefined;
    const homes = new Map<string, Map<string, string>>();
    for (;;) {
      checkAborted(context.signal);
      this.progress.restart();
      this.watch?.begin();
      if (this.part === undefined && !isPart) this.advancePastUncompared(counts);
      const tree = new TreeComparison(context, homes, this.progress);
      await tree.compareTypes(types);
      const unlisted = new UnlistedObjects(context, tree, isPart ? NO_COUNTS : counts);
      if (isPart || tree.shared.needsIndex || unlisted.mayBeHidden || tree.dangling.src.length > 0) {
        const isOneSided = context.isOneSided && !isPart;
        await this.do(tree.shared.indexing(isOneSided ? [] : [...tree.groups.values()].flat()));
      }
      const hidden = await unlisted.findHidden();
      if (merge(homes, await this.do(tree.shared.findingHomes())) + merge(homes, hidden.unlisted) > 0) continue;

      const links = new LinkElements(context, tree);
      links.leaveOutSkippedMoves();
      links.leaveOutLost();
      for (const [type, places] of hidden.skipped) {
        for (const [uid, place] of places) {
          const found = tree.shared.onlyOn('src', type, uid);
          if (found !== undefined) links.leaveOutMove(type, uid, found, place);
        }
      }
      const { leavesOut } = links;
      const crossing = await this.takeOutCrossing(context, tree, links, types);
      if (crossing?.skipsUnmatched !== true) await links.add();
      this.nameDangling(tree, diff);
      if (!isPart) await this.settleUnlisted(tree, unlisted, diff);
      return { tree, leavesOut, crossing: crossing?.found ?? NOTHING };
    }
  }

  /** Takes out of a part what a comparison of the whole decides. @returns that; undefined where the whole is compared. */
  private async takeOutCrossing(
    context: ComparisonContext,
    tree: TreeComparison,
    links: LinkElements,
    types: readonly string[],
  ): Promise<CrossingObjects | undefined> {
    const { src, dst, scope, members } = this;
    if (members === undefined) return undefined;
    const crossing = new CrossingObjects(context, tree, links, members, types, mayRenameAny(src, dst, scope));
    await crossing.takeOut();
    return crossing;
  }

  private async readers(): Promise<Readonly<Record<SideName, ObjectReader>>> {
    const { src, dst, scope, members } = this;
    const { signal } = this.options;
    const readers = { src: await sourceReader(src, dst, scope, signal), dst: storeReader(dst, signal) };
    if (members === undefined) return readers;
    const renames = mayRenameAny(src, dst, scope);
    return {
      src: partReader(readers.src, src, members, renames, signal),
      dst: partReader(readers.dst, dst, members, false, signal),
    };
  }

  /** Returns how many of so many objects are compared, as far as that is known. */
  private totalOf(objects: number): number {
    const { partition } = this.options;
    const { known } = this.members ?? {};
    if (known === undefined) return Math.ceil(objects / (partition?.of ?? 1));
    let total = 0;
    for (const uids of known.values()) total += 2 * uids.size;
    return total;
  }

  private do<T>(steps: Steps<T>): Promise<T> {
    return doInSteps(steps, () => checkAborted(this.options.signal));
  }

  /** Whether the comparison has left out parents of the target: by an option or flag, or because nothing it met lists them. */
  private hidesParents(tree: TreeComparison, diff: Diff, counts: ModelCounts): boolean {
    const { modelTypes, filters } = this.options;
    if (modelTypes !== undefined || filters !== undefined || this.lister.leftOut.dst.size > 0) return true;
    if (tree.comparer.skippedParents.some((pair) => pair.dst !== undefined)) return true;
    const uncompared = this.dst.topLevel.filter((type) => !this.src.topLevel.includes(type) && counts.has(type));
    const unlisted = Object.entries(diff.unlisted).flatMap(([type, { target }]) => (target > 0 ? type : []));
    return [...uncompared, ...unlisted].some((type) => {
      const model = this.dst.modelClasses.get(type);
      if (model === undefined) return false;
      return overridesChildren(model, DiffSyncModel) || Object.keys(model.getChildrenMapping()).length > 0;
    });
  }

  private nameDangling({ dangling }: TreeComparison, diff: Diff): void {
    diff.danglingLinks = { source: dangling.src, target: dangling.dst };
    const { src, dst } = this;
    const about = [
      [src, dangling.src, `what ${dst.name} has of them is left alone`],
      [dst, dangling.dst, 'a sync takes them out of the lists'],
    ] as const;
    for (const [side, links, effect] of about) {
      if (links.length === 0) continue;
      const named = links.slice(0, MAX_NAMED).map(({ model, uniqueId, child }) => {
        return `${child.model} ${child.uniqueId} in ${model} ${uniqueId}`;
      });
      const more = links.length > MAX_NAMED ? ` and ${links.length - MAX_NAMED} more` : '';
      dst[LOGGER].warning(
        `Some lists of ${side.name} name objects that do not exist: ${named.join(', ')}${more}; ${effect}`,
      );
    }
  }

  private async settleUnlisted(tree: TreeComparison, unlisted: UnlistedObjects, diff: Diff): Promise<void> {
    diff.unlisted = unlisted.count();
    const found = Object.entries(diff.unlisted);
    if (found.length === 0) return;
    const isDeleted = this.options.unlisted === 'delete';
    const counts = found.map(
      ([type, { source, target }]) => `${type} (${this.src.name} ${source}, ${this.dst.name} ${target})`,
    );
    this.logger.warning(
      `Some objects are listed by no parent, and so not compared: ${counts.join(', ')}; ` +
        (isDeleted
          ? 'those that only the target has are deleted'
          : `unlisted: 'delete' deletes those that only the target has`),
    );
    if (!isDeleted) return;
    for (const [type, objects] of await unlisted.readSurplus()) {
      tree.groups.set(type, await tree.compareRoots([], objects));
    }
  }

  /** Advances the progress past the types that only one side has at its top: they are not compared. */
  private advancePastUncompared(counts: Readonly<Record<SideName, ModelCounts>>): void {
    const { src, dst } = this;
    const only = (a: Side, b: Side): string[] => a.topLevel.filter((type) => !b.topLevel.includes(type));
    for (const type of [...new Set([...only(dst, src), ...only(src, dst)])].toSorted()) {
      this.progress.advance((dst.topLevel.includes(type) ? counts.dst : counts.src).get(type) ?? 0);
    }
  }
}

/** Returns the types that are at the top of both sides, those of parents before those of their children. */
export function commonTypes(src: Side, dst: Side, scope: Scope): readonly string[] {
  const common = dst.topLevel.filter((type) => src.topLevel.includes(type) && scope.reaches(type));
  return sortByDependency(common, dst);
}

function addTop(diff: Diff, element: DiffElement): void {
  try {
    diff.add(element);
  } catch (error) {
    throw nameTakenError(error, element, undefined);
  }
}

/** Counts the objects of both sides, by model. */
export async function countBoth(
  src: Side,
  dst: Side,
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<SideName, ModelCounts>>> {
  const [ours, theirs] = await Promise.all([countByModel(src.store, signal), countByModel(dst.store, signal)]);
  return { src: ours, dst: theirs };
}

function sum(counts: ModelCounts): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

/** Adds homes that are not known yet. @returns how many. */
function merge(
  homes: Map<string, Map<string, string>>,
  found: ReadonlyMap<string, ReadonlyMap<string, string>>,
): number {
  let added = 0;
  for (const [type, byUid] of found) {
    const known = homes.get(type) ?? new Map<string, string>();
    homes.set(type, known);
    for (const [uid, home] of byUid) {
      if (known.has(uid)) continue;
      known.set(uid, home);
      added++;
    }
  }
  return added;
}

function termsOf(src: Side, dst: Side, options: DiffOptions): DiffTerms {
  const { flags = DiffSyncFlags.NONE, modelTypes, syncAttrs, excludeAttrs, filters, unlisted, partition } = options;
  return {
    source: src.name,
    target: dst.name,
    flags,
    ...(modelTypes === undefined ? {} : { modelTypes }),
    ...(syncAttrs === undefined ? {} : { syncAttrs: given(syncAttrs) }),
    ...(excludeAttrs === undefined ? {} : { excludeAttrs: given(excludeAttrs) }),
    ...(filters === undefined ? {} : { filtered: true }),
    ...(unlisted === undefined ? {} : { unlisted }),
    ...(partition === undefined ? {} : { partition: { index: partition.index, of: partition.of } }),
    ...secretTerms(src, dst),
  };
}

/** Returns the secret attributes of both sides' classes, which a plan must know where one side's are not at hand. */
function secretTerms(src: Side, dst: Side): Pick<DiffTerms, 'secret'> {
  const secret: Record<string, readonly string[]> = {};
  for (const [type, model] of dst.modelClasses) {
    const names = secretAttributes(src.modelClasses.get(type), model);
    if (names !== undefined) setOwn(secret, type, [...names]);
  }
  return Object.keys(secret).length === 0 ? {} : { secret };
}

/** Returns the lists that are given: a plan has no others. */
function given(lists: AttrLists): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(lists).filter((entry): entry is [string, string[]] => entry[1] !== undefined),
  );
}
