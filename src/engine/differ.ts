import { inspect } from 'node:util';
import type { Diff } from '../diff/diff.js';
import { DiffElement, type Attrs } from '../diff/diff-element.js';
import type { DiffTerms } from '../diff/plan.js';
import { ModelDefinitionError, ObjectNotFound, ValueError } from '../errors.js';
import { DiffSyncFlags, DiffSyncModelFlags } from '../flags.js';
import { childUids, type DiffSyncModel } from '../model/diffsync-model.js';
import { sameValue } from '../values.js';
import { add, Places, type Objects, type Place } from './places.js';
import { Scope, type ScopeOptions } from './scope.js';
import { checkAborted, Progress, type ProgressCallback, type Side } from './side.js';

export interface DiffOptions extends ScopeOptions {
  /** Default: NONE. */
  readonly flags?: DiffSyncFlags;
  /** Default: Diff. */
  readonly diffClass?: new () => Diff;
  readonly onProgress?: ProgressCallback;
  /** Ends the work with SyncAborted. */
  readonly signal?: AbortSignal;
}

/** Parents are taken together until they list so many children: bounds memory, and lets progress show. */
const SLICE_CHILDREN = 20_000;

/** Same type, same unique id, on at least one side. */
interface Pair {
  readonly src: DiffSyncModel | undefined;
  readonly dst: DiffSyncModel | undefined;
  readonly parent: PairNode | undefined;
}

/** A pair that is not left out, and what lies below it. */
interface PairNode extends Pair, Place {
  readonly parent: PairNode | undefined;
}

/** What happened at a pair, told again in depth-first order once its slice is complete. */
interface Trace {
  counted: number;
  skipped?: { readonly reason: string; readonly type: string; readonly uid: string };
  /** The diff ends here: with the error that comes first in depth-first order, whatever level was read first. */
  failed?: { readonly error: unknown };
  readonly below: Trace[];
}

/** One parent's children of one type, as each side lists them. */
interface ChildList {
  readonly type: string;
  readonly src: readonly string[];
  readonly dst: readonly string[];
}

/**
 * Reads two sides and builds their diff; writes nothing. Level by level: the children of many parents are fetched
 * together, both sides at once. Elements, progress and log lines come in the reference's order, depth first.
 */
export class Differ {
  private readonly flags: DiffSyncFlags;
  private readonly diffClass: new () => Diff;
  private progress: Progress;
  private readonly scope: Scope;
  private readonly places: { readonly src: Places; readonly dst: Places };
  private readonly warned = new Set<string>();

  constructor(
    private readonly src: Side,
    private readonly dst: Side,
    private readonly options: DiffOptions,
    private readonly diff: Diff,
    diffClass: new () => Diff,
  ) {
    this.flags = options.flags ?? DiffSyncFlags.NONE;
    this.diffClass = diffClass;
    this.scope = new Scope(options, [src, dst]);
    this.places = { src: new Places(src.name), dst: new Places(dst.name) };
    this.progress = new Progress('diff', 0, undefined);
  }

  async calculate(): Promise<Diff> {
    const { src, dst, diff } = this;
    const [srcCount, dstCount] = await Promise.all([src.store.count(), dst.store.count()]);
    const total = srcCount + dstCount;
    this.progress = new Progress('diff', total, this.options.onProgress);
    dst.logger.debug(`Diff calculation between these two datasets will involve ${total} models`);
    dst.logger.info('Beginning diff calculation');

    await this.countUncompared();
    const common = inDependencyOrder(
      dst.topLevel.filter((type) => src.topLevel.includes(type) && this.scope.reaches(type)),
      dst,
    );
    const nested = this.childTypes();
    const groups = new Map<string, DiffElement[]>();
    for (const type of common.filter((each) => !nested.has(each))) {
      const [srcObjects, dstObjects] = await this.fetchAll(type);
      const roots = await this.diffRoots(srcObjects, dstObjects);
      groups.set(type, [...(groups.get(type) ?? []), ...roots]);
    }
    await this.diffNested(
      common.filter((type) => nested.has(type)),
      groups,
    );
    for (const type of new Set(common)) for (const element of groups.get(type) ?? []) diff.add(element);

    diff.modelsProcessed = this.progress.current;
    diff.terms = termsOf(src, dst, this.options);
    this.progress.finish();
    dst.logger.info('Diff calculation complete');
    await diff.complete();
    return diff;
  }

  /** Types that only one side has at its top are left alone; their objects count as looked at. */
  private async countUncompared(): Promise<void> {
    const { src, dst } = this;
    const only = (a: Side, b: Side): string[] => a.topLevel.filter((type) => !b.topLevel.includes(type));
    for (const type of [...new Set([...only(dst, src), ...only(src, dst)])].toSorted()) {
      this.progress.advance(await (dst.topLevel.includes(type) ? dst : src).store.count({ model: type }));
    }
  }

  /** The types that some model of either side has as children. */
  private childTypes(): ReadonlySet<string> {
    const types = new Set<string>();
    for (const side of [this.src, this.dst]) {
      for (const model of side.modelClasses.values()) {
        for (const type of Object.keys(model.getChildrenMapping())) types.add(type);
      }
    }
    return types;
  }

  private async fetchAll(type: string): Promise<[Objects, Objects]> {
    const [src, dst] = await Promise.all([
      this.src.store.getAll({ model: type }),
      this.dst.store.getAll({ model: type }),
    ]);
    return [byUid(src), byUid(dst)];
  }

  /**
   * Top-level types that are also children somewhere. What a parent lists was met with that parent; the rest begins at the
   * top, but for what another of the rest lists. What is then still not met is listed in a circle.
   */
  private async diffNested(types: readonly string[], groups: Map<string, DiffElement[]>): Promise<void> {
    if (types.length === 0) return;
    const objects = { src: new Map<string, Objects>(), dst: new Map<string, Objects>() };
    for (const type of types) {
      const [src, dst] = await this.fetchAll(type);
      objects.src.set(type, src);
      objects.dst.set(type, dst);
    }
    for (const side of ['src', 'dst'] as const) this.places[side].meetDescendants(objects[side]);
    const roots = { src: this.places.src.roots(objects.src), dst: this.places.dst.roots(objects.dst) };
    for (const type of types) {
      const elements = await this.diffRoots(roots.src.get(type) ?? new Map(), roots.dst.get(type) ?? new Map());
      groups.set(type, elements);
    }
    for (const side of ['src', 'dst'] as const) this.places[side].checkAllMet(objects[side]);
  }

  private async diffRoots(src: Objects, dst: Objects): Promise<DiffElement[]> {
    const elements: DiffElement[] = [];
    const traces: Trace[] = [];
    const pairs = pairUp(src, dst, undefined);
    checkPairs(pairs);
    let slice: { node: PairNode; trace: Trace }[] = [];
    let children = 0;
    for (const pair of pairs) {
      const trace: Trace = { counted: 0, below: [] };
      traces.push(trace);
      const node = this.compare(pair, trace);
      if (node === undefined) continue;
      elements.push(node.element);
      const listed = countChildren(node);
      if (listed === 0) continue;
      slice.push({ node, trace });
      children += listed;
      if (children < SLICE_CHILDREN) continue;
      await this.diffBelow(slice);
      this.tell(traces.splice(0));
      slice = [];
      children = 0;
    }
    await this.diffBelow(slice);
    this.tell(traces);
    return elements;
  }

  /** Everything below these nodes, a level at a time. */
  private async diffBelow(slice: readonly { node: PairNode; trace: Trace }[]): Promise<void> {
    let level = slice;
    while (level.length > 0) {
      checkAborted(this.options.signal);
      const links = level.map(({ node, trace }) => ({ node, trace, lists: this.childLists(node, trace) }));
      const wanted = { src: new Map<string, Set<string>>(), dst: new Map<string, Set<string>>() };
      for (const { lists } of links) {
        for (const { type, src, dst } of lists) {
          for (const uid of src) add(wanted.src, type, uid);
          for (const uid of dst) add(wanted.dst, type, uid);
        }
      }
      const [srcObjects, dstObjects] = await Promise.all([fetch(this.src, wanted.src), fetch(this.dst, wanted.dst)]);
      const next: { node: PairNode; trace: Trace }[] = [];
      for (const { node, trace, lists } of links) {
        try {
          for (const list of lists) next.push(...this.diffList(node, trace, list, srcObjects, dstObjects));
        } catch (error) {
          trace.below.push({ counted: 0, failed: { error }, below: [] });
        }
      }
      level = next;
    }
  }

  /** One parent's children of one type. @returns those that have children themselves. */
  private diffList(
    node: PairNode,
    trace: Trace,
    { type, src, dst }: ChildList,
    srcObjects: ReadonlyMap<string, Objects>,
    dstObjects: ReadonlyMap<string, Objects>,
  ): { node: PairNode; trace: Trace }[] {
    const srcPlaced = this.place(node, 'src', type, src, srcObjects);
    const dstPlaced = this.place(node, 'dst', type, dst, dstObjects);
    const pairs = pairUp(srcPlaced.objects, dstPlaced.objects, node);
    // A unique id that is listed again counts as looked at, as far as a list is longer than what is compared.
    const surplus = Math.max(srcPlaced.listed - pairs.length, 0) + Math.max(dstPlaced.listed - pairs.length, 0);
    if (surplus > 0) trace.below.push({ counted: surplus, below: [] });
    checkPairs(pairs);
    const children: { node: PairNode; trace: Trace }[] = [];
    for (const pair of pairs) {
      const below: Trace = { counted: 0, below: [] };
      trace.below.push(below);
      const child = this.compare(pair, below);
      if (child !== undefined) children.push({ node: child, trace: below });
    }
    try {
      for (const child of children) node.element.addChild(child.node.element);
    } catch (error) {
      trace.below.push({ counted: 0, failed: { error }, below: [] });
    }
    return children.filter((child) => countChildren(child.node) > 0);
  }

  /** Which children of a pair are compared, each side's read by its own field. */
  private childLists(node: PairNode, trace: Trace): ChildList[] {
    const { src, dst } = node;
    const srcMapping = src?.getChildrenMapping() ?? {};
    const dstMapping = dst?.getChildrenMapping() ?? {};
    const list = (obj: DiffSyncModel | undefined, field: string | undefined): readonly string[] =>
      obj === undefined || field === undefined ? [] : childUids(obj, field);
    const leaveOut = (count: number): void => {
      if (count > 0) trace.below.push({ counted: count, below: [] });
    };
    const lists: ChildList[] = [];
    for (const [type, field] of Object.entries(srcMapping)) {
      if (!this.scope.reaches(type)) continue;
      const [srcUids, dstUids] = [list(src, field), list(dst, dstMapping[type])];
      const known = dst === undefined || Object.hasOwn(dstMapping, type);
      if (known && (srcUids.length === 0 || this.canHold(node, type))) lists.push({ type, src: srcUids, dst: dstUids });
      else leaveOut(srcUids.length + dstUids.length);
    }
    for (const [type, field] of Object.entries(dstMapping)) {
      if (!this.scope.reaches(type)) continue;
      if (src === undefined) lists.push({ type, src: [], dst: list(dst, field) });
      else if (!Object.hasOwn(srcMapping, type)) leaveOut(list(dst, field).length);
    }
    return lists;
  }

  /** Whether the target could take children of this type below this object. */
  private canHold(node: PairNode, type: string): boolean {
    const { dst } = this;
    const parent = node.element.type;
    const mapping = dst.modelClasses.get(parent)?.getChildrenMapping();
    const reason = !dst.modelClasses.has(type)
      ? `it has no model "${type}"`
      : mapping === undefined || !Object.hasOwn(mapping, type)
        ? `its model "${parent}" has no field for children of type "${type}"`
        : undefined;
    if (reason === undefined) return true;
    if (!this.warned.has(`${parent} ${type}`)) {
      this.warned.add(`${parent} ${type}`);
      dst.logger.warning(`Leaving out ${type} objects below ${parent}: ${dst.name} cannot hold them, ${reason}`, {
        model: type,
      });
    }
    return false;
  }

  /** The objects of a child list that have their place here; `listed` counts their repeats too. */
  private place(
    node: PairNode,
    side: 'src' | 'dst',
    type: string,
    uids: readonly string[],
    fetched: ReadonlyMap<string, Objects>,
  ): { objects: Objects; listed: number } {
    const objects = new Map<string, DiffSyncModel>();
    let listed = 0;
    for (const uid of uids) {
      const obj = fetched.get(type)?.get(uid);
      if (obj === undefined) throw new ObjectNotFound(`${type} ${uid} not present in ${String(this[side].store)}`);
      if (this.places[side].meetBelow(node, type, uid)) objects.set(uid, obj);
      if (objects.has(uid)) listed++;
    }
    return { objects, listed };
  }

  private compare({ src, dst, parent }: Pair, trace: Trace): PairNode | undefined {
    const obj = (src ?? dst) as DiffSyncModel;
    const type = obj.getType();
    const uid = obj.getUniqueId();
    if (src !== undefined) this.places.src.meet(type, uid);
    if (dst !== undefined) this.places.dst.meet(type, uid);
    const reason = this.skipReason(type, src, dst);
    if (reason !== undefined) {
      trace.counted = 1;
      trace.skipped = { reason, type, uid };
      return undefined;
    }
    const keys = obj.getIdentifiers();
    const element = new DiffElement(type, obj.getShortname(), keys, this.src.name, this.dst.name, this.diffClass);
    const matched = src !== undefined && dst !== undefined;
    const attrsOf = (side: DiffSyncModel): Attrs => {
      return matched ? this.scope.select(type, side.getAttrs()) : side.getAttrs();
    };
    const sourceAttrs: Attrs | null = src === undefined ? null : attrsOf(src);
    const destAttrs: Attrs | null = dst === undefined ? null : attrsOf(dst);
    element.comparison = this.dst.modelClasses.get(type)?.definition.comparison;
    element.sourceAttrs = sourceAttrs;
    // One object for both sides of an unchanged pair: most of a large diff is unchanged.
    element.destAttrs = sourceAttrs !== null && sameValue(sourceAttrs, destAttrs) ? sourceAttrs : destAttrs;
    trace.counted = matched ? 2 : 1;
    return { src, dst, parent, element, uid };
  }

  private skipReason(type: string, src: DiffSyncModel | undefined, dst: DiffSyncModel | undefined): string | undefined {
    if (dst === undefined && src !== undefined) {
      if (this.flags & DiffSyncFlags.SKIP_UNMATCHED_SRC)
        return 'Skipping due to SKIP_UNMATCHED_SRC flag on source adapter';
      if (src.modelFlags & DiffSyncModelFlags.SKIP_UNMATCHED_SRC)
        return 'Skipping due to SKIP_UNMATCHED_SRC flag on model';
    }
    if (src === undefined && dst !== undefined) {
      if (this.flags & DiffSyncFlags.SKIP_UNMATCHED_DST)
        return 'Skipping due to SKIP_UNMATCHED_DST flag on source adapter';
      if (dst.modelFlags & DiffSyncModelFlags.SKIP_UNMATCHED_DST)
        return 'Skipping due to SKIP_UNMATCHED_DST flag on model';
    }
    if (src !== undefined && src.modelFlags & DiffSyncModelFlags.IGNORE)
      return 'Skipping due to IGNORE flag on source object';
    if (dst !== undefined && dst.modelFlags & DiffSyncModelFlags.IGNORE)
      return 'Skipping due to IGNORE flag on dest object';
    if (!this.scope.compares(type) && (src === undefined || dst === undefined))
      return 'Skipping because only one side has it and its model is not in modelTypes';
    if (!this.scope.passes(type, src, dst)) return "Skipping due to its model's filter";
    return undefined;
  }

  private tell(traces: readonly Trace[]): void {
    const stack = traces.toReversed();
    for (let trace = stack.pop(); trace !== undefined; trace = stack.pop()) {
      if (trace.skipped !== undefined) {
        const { reason, type, uid } = trace.skipped;
        this.dst.logger.debug(reason, { model: type, uniqueId: uid });
      }
      this.progress.advance(trace.counted);
      if (trace.failed !== undefined) throw trace.failed.error;
      for (let index = trace.below.length - 1; index >= 0; index--) stack.push(trace.below[index] as Trace);
    }
  }
}

/** The source's order first, then what only the target has. */
function pairUp(src: Objects, dst: Objects, parent: PairNode | undefined): Pair[] {
  const pairs: Pair[] = [];
  for (const [uid, obj] of src) pairs.push({ src: obj, dst: dst.get(uid), parent });
  for (const [uid, obj] of dst) if (!src.has(uid)) pairs.push({ src: undefined, dst: obj, parent });
  return pairs;
}

/** @throws ValueError for a pair that cannot be compared. */
function checkPairs(pairs: readonly Pair[]): void {
  for (const { src, dst } of pairs) {
    if (src === undefined || dst === undefined) continue;
    if (src.getShortname() !== dst.getShortname()) {
      throw new ValueError(`Shortname mismatch: ${src.getShortname()} vs ${dst.getShortname()}`);
    }
    if (!sameValue(src.getIdentifiers(), dst.getIdentifiers())) {
      throw new ValueError(`Keys mismatch: ${inspect(src.getIdentifiers())} vs ${inspect(dst.getIdentifiers())}`);
    }
  }
}

function byUid(objects: readonly DiffSyncModel[]): Objects {
  return new Map(objects.map((obj) => [obj.getUniqueId(), obj]));
}

async function fetch(
  side: Side,
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<ReadonlyMap<string, Objects>> {
  const found = new Map<string, Objects>();
  for (const [type, uids] of wanted) {
    const list = [...uids];
    const objects = await side.store.find({ model: type, uids: list });
    const present = new Map<string, DiffSyncModel>();
    for (const [index, uid] of list.entries()) {
      const obj = objects[index];
      if (obj !== undefined) present.set(uid, obj);
    }
    found.set(type, present);
  }
  return found;
}

function countChildren({ src, dst }: Pair): number {
  let count = 0;
  for (const obj of [src, dst]) {
    if (obj !== undefined)
      for (const field of Object.values(obj.getChildrenMapping())) count += childUids(obj, field).length;
  }
  return count;
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

/** Types that others depend on come first; otherwise the order stays. @throws ModelDefinitionError for a circle. */
function inDependencyOrder(types: readonly string[], { modelClasses }: Side): string[] {
  const ordered: string[] = [];
  const visit = (type: string, path: readonly string[]): void => {
    if (path.includes(type)) {
      throw new ModelDefinitionError(`dependsOn goes in a circle: ${[...path, type].join(' -> ')}`);
    }
    if (ordered.includes(type)) return;
    for (const other of modelClasses.get(type)?.definition.dependsOn ?? []) {
      if (types.includes(other)) visit(other, [...path, type]);
    }
    ordered.push(type);
  };
  for (const type of types) visit(type, []);
  // A type that is listed twice is compared twice, as in the reference, where that fails.
  return types.length === new Set(types).size ? ordered : [...types];
}
