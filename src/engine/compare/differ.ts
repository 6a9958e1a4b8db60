import type { Diff } from '../../diff/diff.js';
import { DiffElement, type ElementKind } from '../../diff/diff-element.js';
import type { DiffTerms } from '../../diff/diff-plan.js';
import { DiffSyncFlags } from '../../flags.js';
import type { ModelDefinition } from '../../model/model-definition.js';
import type { ModelRecord } from '../../record/model-record.js';
import { childUidsOf, RecordView, type ObjectView } from '../../record/record-view.js';
import { ChildReader, type ChildUids } from './child-reader.js';
import { byUid, countChildren, matchUids, createPair, pairObjects, type UidMatches, type Pair } from './pairing.js';
import { VisitedObjects, type Objects, type TreePosition } from './visited.js';
import { Scope, type ScopeOptions } from './scope.js';
import { checkAborted, type Side } from '../side.js';
import { Progress, type ProgressCallback } from '../progress.js';
import { skipReason } from './skip-reason.js';
import { overridesChildren, sortByDependency } from './dependency-order.js';
import { inDepthFirstOrder, type PairEvent, type DiffEvent } from './diff-events.js';
import { viewAll } from '../../store/engine-access.js';

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

/** A pair with something below it. */
interface PairNode extends Pair, TreePosition {
  readonly parent: PairNode | undefined;
  readonly trace: PairEvent;
}

/** One parent's children of one type, as each side lists them. */
interface ChildList {
  readonly type: string;
  readonly src: ChildUids;
  readonly dst: ChildUids;
  readonly matches: UidMatches;
}

interface Levels {
  readonly src: ChildReader;
  readonly dst: ChildReader;
}

/** What pairs of one parent came to. */
interface PairResults {
  readonly elements: DiffElement[];
  readonly traces: DiffEvent[];
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
  private readonly visited: { readonly src: VisitedObjects; readonly dst: VisitedObjects };
  private readonly warned = new Set<string>();
  /** Pairs with children that are left out with them, though the children's type may be top-level too. */
  private readonly leftOut: Pair[] = [];
  /** By definition for elements that are made from records, else by type. */
  private readonly kinds = new Map<ModelDefinition | string, ElementKind>();
  /** Objects of the target that have an element. */
  private compared = 0;

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
    this.visited = { src: new VisitedObjects(src.name), dst: new VisitedObjects(dst.name) };
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
    const common = sortByDependency(
      dst.topLevel.filter((type) => src.topLevel.includes(type) && this.scope.reaches(type)),
      dst,
    );
    const classes = [...src.modelClasses.values(), ...dst.modelClasses.values()];
    const nested = new Set(classes.flatMap((model) => Object.keys(model.getChildrenMapping())));
    const groups = new Map<string, DiffElement[]>();
    for (const type of common.filter((each) => !nested.has(each))) {
      const [srcObjects, dstObjects] = await this.fetchAll(type);
      if (classes.some(overridesChildren)) {
        this.visited.src.markAllVisited(type, byUid(srcObjects));
        this.visited.dst.markAllVisited(type, byUid(dstObjects));
      }
      const roots = await this.diffRoots(srcObjects, dstObjects);
      const before = groups.get(type);
      groups.set(type, before === undefined ? roots : [...before, ...roots]);
    }
    await this.diffNested(
      common.filter((type) => nested.has(type)),
      groups,
    );
    for (const type of new Set(common)) for (const element of groups.get(type) ?? []) diff.add(element);

    diff.modelsProcessed = this.progress.current;
    diff.terms = { ...termsOf(src, dst, this.options), compared: this.compared };
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

  private fetchAll(type: string): Promise<[src: ObjectView[], dst: ObjectView[]]> {
    return Promise.all([viewAll(this.src.store, type), viewAll(this.dst.store, type)]);
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
      objects.src.set(type, byUid(src));
      objects.dst.set(type, byUid(dst));
    }
    for (const side of ['src', 'dst'] as const) {
      for (const { [side]: obj } of this.leftOut) if (obj !== undefined) this.visited[side].markChildrenVisited(obj);
      this.visited[side].markDescendantsVisited(objects[side]);
    }
    const roots = { src: this.visited.src.takeRoots(objects.src), dst: this.visited.dst.takeRoots(objects.dst) };
    for (const type of types) {
      const [src, dst] = [roots.src, roots.dst].map((all) => [...(all.get(type)?.values() ?? [])]);
      groups.set(type, await this.diffRoots(src ?? [], dst ?? []));
    }
    for (const side of ['src', 'dst'] as const) this.visited[side].checkAllVisited(objects[side]);
  }

  private async diffRoots(src: readonly ObjectView[], dst: readonly ObjectView[]): Promise<DiffElement[]> {
    const found: PairResults = { elements: [], traces: [] };
    let slice: PairNode[] = [];
    let children = 0;
    for (const pair of pairObjects(src, dst)) {
      const node = this.compare(pair, undefined, found);
      if (node === undefined) continue;
      slice.push(node);
      children += countChildren(pair);
      if (children < SLICE_CHILDREN) continue;
      await this.diffBelow(slice);
      this.emit(found.traces.splice(0));
      slice = [];
      children = 0;
    }
    await this.diffBelow(slice);
    this.emit(found.traces);
    return found.elements;
  }

  /** Everything below these nodes, a level at a time. */
  private async diffBelow(slice: readonly PairNode[]): Promise<void> {
    let nodes = slice;
    while (nodes.length > 0) {
      const level = {
        src: new ChildReader(this.src, this.visited.src),
        dst: new ChildReader(this.dst, this.visited.dst),
      };
      const lists = nodes.flatMap((node) => this.childLists(node, level).map((list) => ({ node, list })));
      const next: PairNode[] = [];
      try {
        await Promise.all([level.src.findClaimedElsewhere(), level.dst.findClaimedElsewhere()]);
        for (const { node, list } of lists) {
          // What comes after a failure is nobody's business: the first in depth-first order ends the diff.
          if (!(await this.diffList(node, list, level, next))) break;
        }
      } finally {
        await Promise.all([level.src.close(), level.dst.close()]);
      }
      nodes = next;
    }
  }

  /** One parent's children of one type. @param next gets those that have children themselves. @returns whether it went well. */
  private async diffList(node: PairNode, list: ChildList, level: Levels, next: PairNode[]): Promise<boolean> {
    const { type, src, dst, matches } = list;
    const { below } = node.trace;
    const found: PairResults = { elements: [], traces: below };
    const [ours, theirs] = [level.src.cursor(type), level.dst.cursor(type)];
    const listed = matches.partners.length;
    const pairs = listed + matches.rest.length;
    try {
      level.src.checkClaimedElsewhere(node, type, src);
      level.dst.checkClaimedElsewhere(node, type, dst);
    } catch (error) {
      return fail(below, error);
    }
    // A unique id that is listed again counts as looked at, as far as a list is longer than what is compared.
    const surplus = Math.max(src.occurrences - pairs, 0) + Math.max(dst.occurrences - pairs, 0);
    if (surplus > 0) below.push(surplus);
    for (let at = 0; at < pairs; at++) {
      const [here, there] = [at < listed, at >= listed || matches.partners[at] !== -1];
      if ((here && !ours.isReady) || (there && !theirs.isReady)) {
        checkAborted(this.options.signal);
        await Promise.all([ours.fetch(), theirs.fetch()]);
      }
      try {
        const pair = createPair(here ? ours.take() : undefined, there ? theirs.take() : undefined);
        const child = this.compare(pair, node, found);
        if (child !== undefined) next.push(child);
      } catch (error) {
        return fail(below, error);
      }
    }
    try {
      for (const element of found.elements) node.element.addChild(element);
    } catch (error) {
      return fail(below, error);
    }
    return true;
  }

  /** Which children of a pair are compared, each side's read by its own field. */
  private childLists({ src, dst, element, trace }: PairNode, level: Levels): ChildList[] {
    const srcMapping = src?.getChildrenMapping() ?? {};
    const dstMapping = dst?.getChildrenMapping() ?? {};
    const listed = (obj: ObjectView | undefined, field: string | undefined): readonly string[] =>
      obj === undefined || field === undefined ? [] : childUidsOf(obj, field);
    const lists: ChildList[] = [];
    const take = (type: string, srcUids: readonly string[], dstUids: readonly string[]): void => {
      const [src, dst] = [level.src.list(type, srcUids), level.dst.list(type, dstUids)];
      const matches = matchUids(src.owned, dst.owned);
      queueReads(level, type, src, dst, matches);
      lists.push({ type, src, dst, matches });
    };
    const leaveOut = (...uids: (readonly string[])[]): void => {
      const count = uids.flat().length;
      if (count > 0) trace.below.push(count);
    };
    for (const [type, field] of Object.entries(srcMapping)) {
      if (!this.scope.reaches(type)) continue;
      const [srcUids, dstUids] = [listed(src, field), listed(dst, dstMapping[type])];
      const known = dst === undefined || Object.hasOwn(dstMapping, type);
      if (known && (srcUids.length === 0 || this.canHold(element.type, type))) take(type, srcUids, dstUids);
      else leaveOut(srcUids, dstUids);
    }
    for (const [type, field] of Object.entries(dstMapping)) {
      if (!this.scope.reaches(type)) continue;
      if (src === undefined) take(type, [], listed(dst, field));
      else if (!Object.hasOwn(srcMapping, type)) leaveOut(listed(dst, field));
    }
    return lists;
  }

  /** Whether the target could take children of this type below objects of the other. */
  private canHold(parent: string, type: string): boolean {
    const { dst } = this;
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

  /** Adds the pair's element and trace. @returns the node, where something lies below it. */
  private compare(pair: Pair, parent: PairNode | undefined, { elements, traces }: PairResults): PairNode | undefined {
    const { src, dst } = pair;
    const obj = (src ?? dst) as ObjectView;
    const type = obj.getType();
    const reason = skipReason(type, pair, this.flags, this.scope);
    if (reason !== undefined) {
      traces.push({ counted: 1, skipped: { reason, type, uid: obj.getUniqueId() }, below: [] });
      if (countChildren(pair) > 0) this.leftOut.push(pair);
      return undefined;
    }
    if (dst !== undefined) this.compared++;
    const element = this.element(type, pair);
    elements.push(element);
    const counted = src === undefined || dst === undefined ? 1 : 2;
    if (countChildren(pair) === 0) {
      traces.push(counted);
      return undefined;
    }
    const trace: PairEvent = { counted, below: [] };
    traces.push(trace);
    return { src, dst, parent, element, uid: obj.getUniqueId(), trace };
  }

  private element(type: string, { src, dst }: Pair): DiffElement {
    if (dst === undefined && src instanceof RecordView) return this.ofRecords(src, src.record, undefined);
    if (src === undefined && dst instanceof RecordView) return this.ofRecords(dst, undefined, dst.record);
    if (src instanceof RecordView && dst instanceof RecordView && src.definition === dst.definition) {
      const same = src.equals(dst, this.scope.compared(src.definition));
      return this.ofRecords(src, src.record, same ? src.record : dst.record);
    }
    const obj = (src ?? dst) as ObjectView;
    const element = new DiffElement(this.kind(type), obj.getShortname(), obj.getIdentifiers());
    if (src !== undefined && dst !== undefined) {
      [element.sourceAttrs, element.destAttrs] = this.scope.attrsOf(src, dst);
    } else {
      element.sourceAttrs = src?.getAttrs() ?? null;
      element.destAttrs = dst?.getAttrs() ?? null;
    }
    return element;
  }

  private ofRecords(view: RecordView, source: ModelRecord | undefined, dest: ModelRecord | undefined): DiffElement {
    return DiffElement.fromRecords(this.kind(view.getType(), view.definition), view.getShortname(), source, dest);
  }

  private kind(type: string, definition?: ModelDefinition): ElementKind {
    const key = definition ?? type;
    let kind = this.kinds.get(key);
    if (kind === undefined) {
      const comparison = this.dst.modelClasses.get(type)?.definition.comparison;
      const common = {
        type,
        sourceName: this.src.name,
        destName: this.dst.name,
        diffClass: this.diffClass,
        comparison,
      };
      const fields = definition && {
        identifiers: definition.identifiers,
        attributes: definition.attributes,
        compared: this.scope.compared(definition),
      };
      this.kinds.set(key, (kind = fields === undefined ? common : { ...common, fields }));
    }
    return kind;
  }

  private emit(traces: readonly DiffEvent[]): void {
    for (const trace of inDepthFirstOrder(traces)) {
      if (typeof trace === 'number') {
        this.progress.advance(trace);
        continue;
      }
      const { counted, skipped, failed } = trace;
      if (skipped !== undefined) {
        this.dst.logger.debug(skipped.reason, { model: skipped.type, uniqueId: skipped.uid });
      }
      this.progress.advance(counted);
      if (failed !== undefined) throw failed.error;
    }
  }
}

/** Either side is read in the order of the pairs. */
function queueReads(level: Levels, type: string, src: ChildUids, dst: ChildUids, { partners, rest }: UidMatches): void {
  const [ours, theirs] = [level.src.cursor(type).uids, level.dst.cursor(type).uids];
  for (const uid of src.owned) ours.push(uid);
  for (const at of partners) if (at !== -1) theirs.push(dst.owned[at] as string);
  for (const at of rest) theirs.push(dst.owned[at] as string);
}

/** @returns false */
function fail(below: DiffEvent[], error: unknown): false {
  below.push({ counted: 0, failed: { error }, below: [] });
  return false;
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
