import { inspect } from 'node:util';
import { doInSteps } from '../../async/steps.js';
import type { Diff } from '../../diff/diff.js';
import type { FullReason } from '../../diff/incremental.js';
import { ValueError } from '../../errors.js';
import { DiffSyncFlags } from '../../flags.js';
import { overridesChildren } from '../../model/class-inspection.js';
import { DiffSyncModel } from '../../model/diffsync-model.js';
import { commonTypes, compareSides, countBoth, type DiffOptions } from '../compare/differ.js';
import { storeReader } from '../compare/object-reader.js';
import { isPartial } from '../compare/partition.js';
import { Scope } from '../compare/scope.js';
import type { FinishedWalk } from '../compare/compared-part.js';
import { mayRenameAny, sourceReader } from '../compare/source-reader.js';
import { abortedError, type Side } from '../side.js';
import { pairKey, termsDigest, type Baseline } from './baseline.js';
import { partBytes, readBaseline, saveBaseline } from './baseline-store.js';
import { Candidates } from './candidates.js';
import { askAgain, findChanges, isKnown, type ChangedObjects, type ChangesContext } from './changed-objects.js';
import { ChildIndex, keyOf, refOf, type IndexPart, type ObjectRef } from './child-index.js';
import { findOpen, leaveOutUnchanged } from './unsettled.js';
import { FullWatch, PartWatch } from './watch.js';

/** A part of all objects above which everything is read: in pages, in the order of the store, an object takes less. */
const MANY = 1 / 5;
/** So few objects are always read by unique id. */
const FEW = 1000;

/** Diff -> the baseline that a sync with it leaves. */
const pending = new WeakMap<Diff, { readonly pair: string; makeBaseline(): Promise<Baseline> }>();

/**
 * Compares two sides as `compareSides` does, but reads only what may have changed since the last settled sync of them, where that is
 * known for sure.
 */
export async function compareIncrementally(
  src: Side,
  dst: Side,
  options: DiffOptions,
  diff: Diff,
  diffClass: new () => Diff,
): Promise<Diff> {
  const comparison = new IncrementalDiffer(src, dst, options, diffClass);
  try {
    return await comparison.fill(diff);
  } catch (error) {
    throw abortedError(error, options.signal);
  }
}

/** Saves what the next incremental comparison goes on from, once a sync with a diff has ended. */
export async function leaveBaseline(diff: Diff, target: Side): Promise<void> {
  const left = pending.get(diff.original ?? diff);
  if (left !== undefined) await saveBaseline(target.store, left.pair, await left.makeBaseline());
}

/** What an incremental comparison goes on from. */
interface Continued {
  readonly baseline: Baseline;
  readonly index: ChildIndex;
  readonly part: Candidates;
  /** Model -> how many pairs of equal objects there are beside the candidates. */
  readonly pairs: ReadonlyMap<string, number>;
}

class IncrementalDiffer {
  private readonly scope: Scope;
  private readonly types: ReadonlySet<string>;
  private readonly common: readonly string[];
  private readonly pair: string;
  private readonly terms: string;
  private readonly at = new Date().toISOString();

  constructor(
    private readonly src: Side,
    private readonly dst: Side,
    private readonly options: DiffOptions,
    private readonly diffClass: new () => Diff,
  ) {
    const { fullCompareEvery = Infinity } = options;
    if (typeof fullCompareEvery !== 'number' || !(fullCompareEvery >= 1))
      throw new ValueError(`fullCompareEvery is ${inspect(fullCompareEvery)}, not a number from 1 on`);
    this.scope = new Scope(options, [src, dst]);
    this.common = commonTypes(src, dst, this.scope);
    this.types = this.comparedTypes();
    this.pair = pairKey(src, dst, options);
    this.terms = termsDigest(src, dst);
  }

  private get asked(): ChangesContext {
    return { types: this.types, scope: this.scope, signal: this.options.signal };
  }

  async fill(diff: Diff): Promise<Diff> {
    const { src, dst, options, diffClass } = this;
    const { signal } = options;
    const unknowable = this.unknowable();
    if (unknowable !== undefined) {
      diff.fullBecause = unknowable;
      return compareSides(src, dst, options, diff, diffClass);
    }
    const baseline = await readBaseline(dst.store, this.pair, signal);
    const usable = baseline?.terms === this.terms ? baseline : undefined;
    const changes = await findChanges({ src, dst }, { types: this.types, scope: this.scope, signal }, usable);
    const found = await this.findCandidates(baseline, changes);
    return typeof found === 'string' ? this.compareAll(diff, found, changes) : this.comparePart(diff, found, changes);
  }

  /** Returns why an object may have changed its place or identity although nothing was written. */
  private unknowable(): FullReason | undefined {
    if (isPartial(this.options.partition)) return 'partition';
    if (this.options.filters !== undefined) return 'filters';
    if (mayRenameAny(this.src, this.dst, this.scope)) return 'identities';
    const classes = [...this.src.modelClasses.values(), ...this.dst.modelClasses.values()];
    return classes.some((model) => overridesChildren(model, DiffSyncModel)) ? 'children' : undefined;
  }

  private async findCandidates(
    baseline: Baseline | undefined,
    changes: ChangedObjects,
  ): Promise<Continued | FullReason> {
    const { src, dst, types, scope } = this;
    const { flags = DiffSyncFlags.NONE, signal, fullCompareEvery = Infinity } = this.options;
    if (!isKnown(changes.cursors.dst, types)) return 'target-unknown';
    if (baseline === undefined) return 'no-baseline';
    if (baseline.terms !== this.terms) return 'definitions';
    if (baseline.age + 1 >= fullCompareEvery) return 'due';
    const { src: ours, dst: theirs } = changes.touched;
    if (ours === undefined) return 'source-unknown';
    if (theirs === undefined) return 'target-unknown';
    const counts = await countBoth(src, dst, signal);
    const lists = [...ours, ...theirs, ...Object.entries(baseline.open)];
    if (lists.reduce((sum, [, uids]) => sum + uids.length, 0) > mostOf(counts)) return 'many-changes';

    const index = new ChildIndex(baseline.index);
    const readers = { src: await sourceReader(src, dst, scope, signal), dst: storeReader(dst, signal) };
    const part = new Candidates({
      sides: { src, dst },
      readers,
      index,
      types,
      counts,
      uncompared: this.countUncompared(counts),
      flags,
      scope,
      signal,
    });
    for (const [type, uids] of lists) part.addChanged(type, uids);
    if (!(await part.complete())) return 'lost-children';
    const pairs = part.countOthers();
    return pairs === undefined ? 'counts' : { baseline, index, part, pairs };
  }

  private async compareAll(diff: Diff, reason: FullReason, changes: ChangedObjects): Promise<Diff> {
    const { src, dst, options, diffClass } = this;
    diff.fullBecause = reason;
    const { cursors, digests } = changes;
    const leaves = isKnown(cursors.dst, this.types) && (digests !== undefined || isKnown(cursors.src, this.types));
    if (!leaves) return compareSides(src, dst, options, diff, diffClass);
    const watch: FullWatch = new FullWatch(partBytes(dst.store), async (walk) => {
      const open = await findOpen(diff, walk, this.isWhole(walk, walk.counts), mostOf(walk.counts));
      const index = watch.takeIndex();
      await this.leave(diff, open, changes, { age: 0, makeIndex: async () => index });
    });
    return compareSides(src, dst, options, diff, diffClass, { watch });
  }

  private async comparePart(diff: Diff, continued: Continued, changes: ChangedObjects): Promise<Diff> {
    const { src, dst, options, diffClass } = this;
    const { baseline, index, part, pairs } = continued;
    diff.incremental = { baseline: baseline.at, candidates: part.size };
    const watch: PartWatch = new PartWatch(async (walk) => {
      const open = await findOpen(diff, walk, this.isWhole(walk, part.counts), mostOf(walk.counts));
      const makeIndex = (): Promise<IndexPart[]> =>
        doInSteps(index.changing(changedLists(watch.lists, part, index), partBytes(dst.store)));
      await this.leave(diff, open, changes, { age: baseline.age + 1, makeIndex });
      let compared = diff.terms.compared ?? 0;
      for (const count of pairs.values()) compared += count;
      diff.terms = { ...diff.terms, compared };
      diff.leftOut = leaveOutUnchanged(diff, pairs);
    });
    return compareSides(src, dst, options, diff, diffClass, { part, watch });
  }

  /** Keeps what a sync with the diff is to leave. */
  private async leave(
    diff: Diff,
    open: Baseline['open'] | undefined,
    changes: ChangedObjects,
    { age, makeIndex }: { readonly age: number; makeIndex(): Promise<readonly IndexPart[]> },
  ): Promise<void> {
    const { src, dst, pair, at, terms } = this;
    const again = open && (await askAgain({ src, dst }, this.asked, changes));
    if (open === undefined || again === undefined) return;
    const all = merged(open, again.between);
    const { cursors, digests } = again;
    pending.set(diff, {
      pair,
      makeBaseline: async () => ({ at, terms, age, cursors, open: all, index: await makeIndex(), digests }),
    });
  }

  /** Whether every object of a type that only parents lead to was met. */
  private isWhole(
    { tree }: FinishedWalk,
    counts: Readonly<Record<'src' | 'dst', ReadonlyMap<string, number>>>,
  ): boolean {
    return [...this.types].every((type) => {
      if (this.common.includes(type)) return true;
      return (['src', 'dst'] as const).every(
        (side) => (counts[side].get(type) ?? 0) === tree.visited[side].count(type),
      );
    });
  }

  /** Returns the types that are at the top of both sides, and those below them. */
  private comparedTypes(): ReadonlySet<string> {
    const types = new Set(this.common);
    for (const type of types) {
      for (const side of [this.src, this.dst]) {
        for (const child of Object.keys(side.modelClasses.get(type)?.getChildrenMapping() ?? {})) {
          if (this.scope.reaches(child)) types.add(child);
        }
      }
    }
    return types;
  }

  /** Counts the objects of types that only one side has at its top, which a comparison counts as looked at. */
  private countUncompared(counts: Readonly<Record<'src' | 'dst', ReadonlyMap<string, number>>>): number {
    const { src, dst } = this;
    const only = [
      ...dst.topLevel.filter((type) => !src.topLevel.includes(type)),
      ...src.topLevel.filter((type) => !dst.topLevel.includes(type)),
    ];
    return only.reduce(
      (sum, type) => sum + ((dst.topLevel.includes(type) ? counts.dst : counts.src).get(type) ?? 0),
      0,
    );
  }
}

/** Returns what is open, with what was written while the objects were read: either version may have been. */
function merged(
  open: Baseline['open'],
  written: readonly (ReadonlyMap<string, readonly string[]> | undefined)[],
): Baseline['open'] {
  const all = new Map(Object.entries(open).map(([type, uids]) => [type, new Set(uids)]));
  for (const [type, uids] of written.flatMap((each) => [...(each ?? [])])) {
    const known = all.get(type) ?? new Set();
    all.set(type, known);
    for (const uid of uids) known.add(uid);
  }
  return Object.fromEntries([...all].map(([type, uids]) => [type, [...uids]]));
}

/** Returns how many objects are read by unique id at most, of so many. */
function mostOf(counts: Readonly<Record<'src' | 'dst', ReadonlyMap<string, number>>>): number {
  let all = 0;
  for (const byModel of [counts.src, counts.dst]) for (const count of byModel.values()) all += count;
  return Math.max(FEW, MANY * all);
}

/** Returns the lists of the candidates that have or had children: no list for one that neither side has any more. */
function changedLists(
  met: ReadonlyMap<string, readonly ObjectRef[]>,
  part: Candidates,
  { parts }: ChildIndex,
): ReadonlyMap<string, readonly ObjectRef[]> {
  const lists = new Map(met);
  for (const key of parentsOf(parts)) {
    const [type, uid] = refOf(key);
    if (!lists.has(key) && part.has(type, uid)) lists.set(key, []);
  }
  return lists;
}

function* parentsOf(parts: readonly IndexPart[]): Generator<string, void, undefined> {
  for (const { parents } of parts) {
    for (let at = 0; at < parents.length; at += 2) yield keyOf(parents[at] as string, parents[at + 1] as string);
  }
}
