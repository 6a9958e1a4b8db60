import { inspect } from 'node:util';
import { doAtOnce, doInSteps, itemsInSteps, itemsOf, type Steps } from '../async/steps.js';
import { DiffInvalid, ValueError } from '../errors.js';
import { textOf, textOfAsync } from '../values/bounded-text.js';
import {
  ComparedObject,
  type Attrs,
  type ElementKind,
  type ElementParts,
  type ElementRecord,
  type RareFacts,
} from './compared-object.js';
import { makingPlan, planLines, type DiffTerms, type Plan, type PlanLine } from './diff-plan.js';
import { digesting, type Fingerprint } from './fingerprint.js';
import { addingElements, planOf, planOfLines, readJsonLines, type PlanSide, type SavedPlan } from './plan-reader.js';
import { changesOf, findingMoved, type DiffChange } from './diff-changes.js';
import {
  diffLines,
  elementLines,
  makingDict,
  makingElementDict,
  summarizing,
  type DiffSummary,
} from './diff-render.js';
import { copyingSelected, isSelected, type Selection } from './diff-selection.js';
import { ElementGroups } from './element-groups.js';
import type { FullReason, IncrementalComparison } from './incremental.js';
import { seenAttributes, seenChildren, type SeenState } from './seen-state.js';
import {
  NOTHING_YET,
  type ModelOperations,
  type StaleChange,
  type SyncFailure,
  type UnlistedCounts,
} from './sync-outcome.js';

/** What has the lines of a text that is cut. */
const ALL_LINES = "the diff's lines()";

declare module '../errors.js' {
  interface DiffSyncErrorBase {
    /**
     * The diff of the sync that the error ended, with its `operations`, its `errors` and the statuses of its elements: what was
     * done before. It is no enumerable property, so that logs do not show it. Other errors have none.
     */
    readonly diff?: Diff;
  }

  interface DiffStale {
    /**
     * The changes of the plan that are stale, with those that cannot be made without them. It is no enumerable property, so that logs
     * do not show it.
     */
    readonly stale?: readonly StaleChange[];
  }

  interface ObjectAlreadyExists {
    /** The element that has the name already, where two elements of a diff have one. */
    readonly existingElement?: DiffElement;
  }
}

/**
 * A finished comparison of two adapters: a tree of elements, in groups by type. Source: the reference's `Diff`.
 * Extend it to change the order of the elements (`orderChildren`) or to save it (`complete`).
 *
 * @example
 * ```ts
 * const diff = await cmdb.diffFrom(network);
 * console.log(diff.summary(), diff.toString());
 * if (diff.hasDiffs()) await cmdb.syncFrom(network, { diff });
 * ```
 */
export class Diff {
  /** How many objects the comparison looked at, on both sides together. */
  modelsProcessed = 0;
  /**
   * Whether the comparison read only what may have changed since an earlier one, with the option `incremental`: when that one began,
   * and how many objects were read. Elements of objects that have not changed are not in the tree then, but `summary` counts them.
   */
  incremental: IncrementalComparison | false = false;
  /** Why a comparison with the option `incremental` read everything all the same. */
  fullBecause: FullReason | undefined;
  /** @internal Model -> how many objects both sides have alike whose elements an incremental comparison has left out. */
  leftOut: ReadonlyMap<string, number> = NOTHING_YET.leftOut;
  /** The terms on which the comparison was made. */
  terms: DiffTerms = NOTHING_YET.terms;
  /** What the last sync with this diff did, by model name. */
  readonly operations: ReadonlyMap<string, ModelOperations> = NOTHING_YET.operations;
  /** The failures after which the last sync with this diff went on: see `continueOnFailure`. */
  readonly errors: readonly SyncFailure[] = NOTHING_YET.errors;
  /**
   * The changes of a plan that the last sync left out, because what they rest on has changed since; of one that was refused, all
   * that it would have left out. See `onStale`.
   */
  readonly stale: readonly StaleChange[] = NOTHING_YET.stale;
  /**
   * How many objects of a child type no parent lists, by model name and side. They are not compared, unless the source lists
   * an object that the target has unlisted. Models without such objects have no entry.
   */
  unlisted: Readonly<Record<string, UnlistedCounts>> = NOTHING_YET.unlisted;
  /** The links to objects that do not exist. A sync removes the target's; what the target has of the source's stays as it is. */
  danglingLinks = NOTHING_YET.danglingLinks;
  /** What the last sync with this diff did not settle; undefined if all is settled, or without the option `verify`. */
  unsettled: Diff | undefined;
  /** Of a loaded diff, the fingerprint that it was saved with. Of a selection, the diff that it was made from. */
  private origin: Fingerprint | Diff | undefined;
  /** Whether the diff was loaded from a plan that is not as it was saved. */
  private wasChanged = false;
  /** @internal Whether the comparison has left out objects of the target, which may list what it has not left out. */
  hidesParents = false;
  /** @internal The links of shared children, but for one of each child. */
  sharedLinks = NOTHING_YET.sharedLinks;
  private readonly elements = new ElementGroups<DiffElement>();

  /** How many objects both sides have alike whose elements an incremental comparison has left out. */
  get unchanged(): number {
    let count = 0;
    for (const objects of this.leftOut.values()) count += objects;
    return count;
  }

  /** How many elements there are, on all levels, with those that an incremental comparison has left out. */
  get length(): number {
    let length = this.unchanged;
    for (const _ of this.all()) length++;
    return length;
  }

  /**
   * Is called once by `diffFrom` and `diffTo` when the diff is complete. The default does nothing; a subclass may save the
   * diff, for example. It is not called for the diffs that hold an element's children.
   * @returns Nothing, or a promise that the comparison waits for.
   */
  complete(): void | Promise<void> {}

  /**
   * Adds an element at the top.
   * @param element - The element; it goes to the end of the group of its type.
   * @throws {ObjectAlreadyExists} (OBJECT_ALREADY_EXISTS) if the group has an element of this name; a link-only element and
   * an ordinary one do not exclude each other.
   */
  add(element: DiffElement): void {
    this.elements.add(element);
  }

  /** @returns The types of the top elements, in the order of their first `add`. */
  groups(): string[] {
    return this.elements.names();
  }

  /** @returns Whether any element, on any level, has an action. */
  hasDiffs(): boolean {
    for (const element of this.all()) if (element.action !== null) return true;
    return false;
  }

  /** Yields the elements on all levels, in any order. */
  private *all(): Generator<DiffElement, void, undefined> {
    const open: Diff[] = [this];
    for (let diff = open.pop(); diff !== undefined; diff = open.pop()) {
      for (const element of diff.elements.all()) {
        yield element;
        const below = element.existingChildDiff;
        if (below !== undefined) open.push(below);
      }
    }
  }

  /** @returns The top elements as they are shown and synchronised: group by group, each ordered by `orderChildren`. */
  getChildren(): DiffElement[] {
    return this.elements.inOrder((group, elements) => this.orderChildren(group, elements));
  }

  /** @returns The top elements group by group, in the order of their `add`, whatever `orderChildren` returns. */
  getAddedChildren(): DiffElement[] {
    return this.elements.inOrder((_, elements) => elements);
  }

  /** @internal Takes an element out that the comparison has added. */
  remove(element: DiffElement): void {
    this.elements.remove(element);
  }

  /**
   * Returns the order in which a group's elements are shown and synchronised. Override it to change the order; the diffs
   * below are of the same class and follow it too. The default is the source's order, then the order of the target for
   * elements that only the target has.
   * @param group - The type of the elements.
   * @param elements - The elements in the order of their `add`.
   * @returns The same elements in the order that is wanted.
   */
  protected orderChildren(group: string, elements: readonly DiffElement[]): Iterable<DiffElement> {
    void group;
    return elements;
  }

  /**
   * Selects changes. Elements above a selected change stay, without a change of their own that is not selected. It walks over all
   * elements at once: some tenths of a second for 100,000 changes. `filterAsync` lets the event loop go on meanwhile.
   * @param selection - The conditions; a change is selected if it satisfies every one that is given.
   * @returns A new diff of the same class with the selected changes.
   * @throws {DiffInvalid} (DIFF_INVALID) for a loaded plan that is not as it was saved.
   * @example
   * ```ts
   * const creates = diff.filter({ actions: ['create'], modelTypes: ['device'] });
   * ```
   */
  filter(selection: Selection): this {
    return doAtOnce(this.selecting((element) => isSelected(selection, element)));
  }

  /**
   * Selects changes as `filter` does, and lets the event loop go on meanwhile.
   * @param selection - The conditions; a change is selected if it satisfies every one that is given.
   * @returns A new diff of the same class with the selected changes.
   * @throws {DiffInvalid} (DIFF_INVALID) for a loaded plan that is not as it was saved.
   */
  filterAsync(selection: Selection): Promise<this> {
    return doInSteps(this.selecting((element) => isSelected(selection, element)));
  }

  /**
   * Selects the opposite of `filter`: each change is in exactly one of the two.
   * @param selection - The conditions; a change that satisfies every one that is given is left out.
   * @returns A new diff of the same class with all other changes.
   */
  exclude(selection: Selection): this {
    return doAtOnce(this.selecting((element) => !isSelected(selection, element)));
  }

  /**
   * Selects the opposite of `filterAsync`, as `exclude` does, and lets the event loop go on meanwhile.
   * @param selection - The conditions; a change that satisfies every one that is given is left out.
   * @returns A new diff of the same class with all other changes.
   * @throws {DiffInvalid} (DIFF_INVALID) for a loaded plan that is not as it was saved.
   */
  excludeAsync(selection: Selection): Promise<this> {
    return doInSteps(this.selecting((element) => !isSelected(selection, element)));
  }

  /** @internal Returns a new diff of the same class without the changes of some elements. */
  without(elements: ReadonlySet<DiffElement>): Promise<this> {
    return doInSteps(this.selecting((element) => !elements.has(element)));
  }

  private *selecting(isWanted: (element: DiffElement) => boolean): Steps<this> {
    this.checkIntact();
    const result = new (this.constructor as new () => this)();
    yield* copyingSelected<DiffElement>(this, isWanted, result);
    result.terms = this.terms;
    result.origin = this.origin ?? this;
    return result;
  }

  /** @internal Of a selection, the diff that it was made from. */
  get original(): Diff | undefined {
    return this.origin instanceof Diff ? this.origin : undefined;
  }

  /** @internal @throws DiffInvalid for a plan that is not as it was saved, which may only be looked at. */
  checkIntact(): void {
    if (!this.wasChanged) return;
    throw new DiffInvalid(
      'This plan is not as it was saved: something has changed it since, which its digest shows; make it again',
    );
  }

  /** Whether the diff was loaded from a plan. A sync with it first checks that both sides are still the same. */
  get isPlan(): boolean {
    return this.origin instanceof Diff ? this.origin.isPlan : this.origin !== undefined;
  }

  /**
   * Digests what the comparison read.
   * @returns One digest for each side; that of a loaded diff or a selection is that of the comparison it comes from.
   */
  fingerprint(): Fingerprint {
    return doAtOnce(this.digesting());
  }

  /** @internal Digests in steps what the comparison read. */
  *digesting(): Steps<Fingerprint> {
    if (this.origin instanceof Diff) return yield* this.origin.digesting();
    return this.origin ?? (yield* digesting<DiffElement>(this, this.sharedLinks));
  }

  /**
   * Saves the changes as a plan, to be loaded with `Diff.fromJSON` in another process or at another time. It digests every object
   * that was compared, at once: about a second for 100,000 objects. `toJSONAsync` lets the event loop go on meanwhile.
   * @returns A value that `JSON.stringify` can write.
   * @example
   * ```ts
   * await writeFile('plan.json', JSON.stringify(diff));
   * ```
   */
  toJSON(): Plan {
    return doAtOnce(makingPlan(this.planLines()));
  }

  /**
   * Saves the changes as `toJSON` does, and lets the event loop go on meanwhile.
   * @returns A value that `JSON.stringify` can write; where that would be long too, save by `toJSONLinesAsync`.
   */
  toJSONAsync(): Promise<Plan> {
    return doInSteps(makingPlan(this.planLines()));
  }

  /**
   * Saves the changes as JSON Lines, for diffs that are too large for one string.
   * @returns The lines with their line breaks: a header, then one line for each element.
   */
  *toJSONLines(): Generator<string, void, undefined> {
    yield* itemsOf(this.planTexts());
  }

  /**
   * Saves the changes as `toJSONLines` does, and lets the event loop go on meanwhile.
   * @returns The lines with their line breaks.
   * @example
   * ```ts
   * await pipeline(Readable.from(diff.toJSONLinesAsync()), createWriteStream('plan.jsonl'));
   * ```
   */
  toJSONLinesAsync(): AsyncGenerator<string, void, undefined> {
    return itemsInSteps(this.planTexts());
  }

  /**
   * Loads a plan that `toJSON` saved, for a sync between the same adapters.
   * @param json - The parsed JSON.
   * @param adapters - `target` is the adapter to be changed; its models decide how attributes compare.
   * @returns A diff of the class on which this is called.
   * @throws {DiffInvalid} (DIFF_INVALID) with the path of each mistake, if it is no plan or was cut short. One that is not as it was
   * saved loads all the same, to be looked at: its sync, selection and `toJSON` throw.
   * @example
   * ```ts
   * const plan = Diff.fromJSON(JSON.parse(await readFile('plan.json', 'utf8')), { target: cmdb });
   * await cmdb.syncFrom(network, { diff: plan });
   * ```
   */
  static fromJSON<D extends Diff>(this: new () => D, json: unknown, adapters: { readonly target: PlanSide }): D {
    return doAtOnce(Diff.restoring(this, planOf(json), adapters.target));
  }

  /**
   * Loads a plan as `fromJSON` does, and lets the event loop go on meanwhile.
   * @param json - The parsed JSON.
   * @param adapters - `target` is the adapter to be changed; its models decide how attributes compare.
   * @returns A diff of the class on which this is called.
   * @throws {DiffInvalid} (DIFF_INVALID) with the path of each mistake, if it is no plan or was cut short. One that is not as it was
   * saved loads all the same, to be looked at: its sync, selection and `toJSON` throw.
   */
  static async fromJSONAsync<D extends Diff>(
    this: new () => D,
    json: unknown,
    adapters: { readonly target: PlanSide },
  ): Promise<D> {
    return doInSteps(Diff.restoring(this, planOf(json), adapters.target));
  }

  /**
   * Loads a plan that `toJSONLines` saved, and lets the event loop go on meanwhile.
   * @param text - The lines, in chunks of any size: a file's stream, for example.
   * @param adapters - `target` is the adapter to be changed; its models decide how attributes compare.
   * @returns A diff of the class on which this is called.
   * @throws {DiffInvalid} (DIFF_INVALID) with the path of each mistake, if it is no plan or was cut short. One that is not as it was
   * saved loads all the same, to be looked at: its sync, selection and `toJSON` throw.
   */
  static async fromJSONLines<D extends Diff>(
    this: new () => D,
    text: Iterable<string> | AsyncIterable<string>,
    adapters: { readonly target: PlanSide },
  ): Promise<D> {
    return doInSteps(Diff.restoring(this, planOfLines(await readJsonLines(text)), adapters.target));
  }

  private *planLines(): Generator<PlanLine | undefined, void, undefined> {
    this.checkIntact();
    const whole = this.original ?? this;
    const terms = { digesting: this.digesting(), moving: findingMoved<DiffElement>(whole.getAddedChildren()) };
    yield* planLines<DiffElement>(this, this.terms, terms);
  }

  private *planTexts(): Generator<string | undefined, void, undefined> {
    for (const line of this.planLines()) yield line && `${JSON.stringify(line)}\n`;
  }

  private static *restoring<D extends Diff>(diffClass: new () => D, plan: SavedPlan, target: PlanSide): Steps<D> {
    const diff = new diffClass();
    const goal = { diff, diffClass, createElement: DiffElement.of };
    const isIntact = yield* addingElements<DiffElement, Diff>(goal, plan, target);
    diff.wasChanged = !isIntact;
    diff.terms = plan.header.terms;
    diff.origin = plan.header.fingerprint;
    return diff;
  }

  /**
   * Counts the elements on all levels by action, link-only elements among them. It walks over all elements at once: some tens of
   * milliseconds for 100,000. `summaryAsync` lets the event loop go on meanwhile.
   * @returns The counts; `skip` is how many objects were looked at and have no element.
   */
  summary(): DiffSummary {
    return doAtOnce(this.summarizing());
  }

  /**
   * Counts the elements as `summary` does, and lets the event loop go on meanwhile.
   * @returns The counts.
   */
  summaryAsync(): Promise<DiffSummary> {
    return doInSteps(this.summarizing());
  }

  private *summarizing(): Steps<DiffSummary> {
    const { counts, links } = yield* summarizing(this.getChildren());
    counts['no-change'] += this.unchanged;
    const objects = counts.create + counts.delete - links;
    const compared = objects + 2 * (counts.update + counts['no-change']);
    return { ...counts, skip: Math.max(0, this.modelsProcessed - compared) };
  }

  /**
   * Describes what differs, for people.
   * @param indent - How many spaces begin each line. Default: 0.
   * @returns The text, or `(no diffs)`. One of more than 33,554,432 characters is cut, and says so; `lines()` has all lines.
   */
  toString(indent = 0): string {
    return textOf(this.lines(indent), ALL_LINES);
  }

  /**
   * Describes what differs as `toString` does, and lets the event loop go on meanwhile.
   * @param indent - How many spaces begin each line. Default: 0.
   * @returns The text, which is cut as that of `toString` is.
   */
  toStringAsync(indent = 0): Promise<string> {
    return textOfAsync(this.linesAsync(indent), ALL_LINES);
  }

  /**
   * Describes what differs as `toString` does, line by line, for a text of any length: lines far down in a deep tree begin with
   * many spaces.
   * @param indent - How many spaces begin each line. Default: 0.
   * @returns The lines, without line breaks.
   */
  *lines(indent = 0): Generator<string, void, undefined> {
    yield* itemsOf(diffLines(this.getChildren(), indent));
  }

  /**
   * Describes what differs as `lines` does, and lets the event loop go on meanwhile.
   * @param indent - How many spaces begin each line. Default: 0.
   * @returns The lines, without line breaks.
   * @example
   * ```ts
   * for await (const line of diff.linesAsync()) output.write(`${line}\n`);
   * ```
   */
  linesAsync(indent = 0): AsyncGenerator<string, void, undefined> {
    return itemsInSteps(diffLines(this.getChildren(), indent));
  }

  /**
   * Describes what differs, as nested objects. `toDictAsync` lets the event loop go on meanwhile.
   * @returns `{ <type>: { <name>: { '-': …, '+': …, <child type>: … } } }`, without what does not differ.
   */
  toDict(): Record<string, Record<string, unknown>> {
    return doAtOnce(makingDict(this.getChildren()));
  }

  /**
   * Describes what differs as `toDict` does, and lets the event loop go on meanwhile.
   * @returns What `toDict` returns.
   */
  toDictAsync(): Promise<Record<string, Record<string, unknown>>> {
    return doInSteps(makingDict(this.getChildren()));
  }

  /**
   * Lists the changes one by one, for code that reports or stores them; each comes before those below it. `changesAsync` lets the
   * event loop go on meanwhile.
   * @returns The changes in the order in which they are shown: an object with its model, unique id, parents, action, and its
   * attributes before and after. A child that goes from one parent to another is a delete and a create, both with `moves`.
   * @example
   * ```ts
   * for (const { action, model, uid, old, new: changed } of diff.changes()) console.log(action, model, uid, old, changed);
   * ```
   */
  *changes(): Generator<DiffChange, void, undefined> {
    yield* itemsOf(changesOf<DiffElement>(this.getChildren()));
  }

  /**
   * Lists the changes as `changes` does, and lets the event loop go on meanwhile.
   * @returns The changes in the order in which they are shown.
   */
  changesAsync(): AsyncGenerator<DiffChange, void, undefined> {
    return itemsInSteps(changesOf<DiffElement>(this.getChildren()));
  }

  [inspect.custom](): string {
    return `${this.constructor.name}<${inspect(this.summary(), { breakLength: Infinity })}>`;
  }
}

/**
 * One object of a diff, as both sides have it, whether or not it differs, and the elements of its children. Source: the
 * reference's `DiffElement`.
 *
 * @example
 * ```ts
 * for (const element of diff.getChildren()) console.log(element.type, element.name, element.action);
 * ```
 */
export class DiffElement extends ComparedObject<Diff> {
  private children: Diff | undefined;
  /** @internal */
  declare protected rare: RareFacts<DiffElement> | undefined;

  /**
   * Creates an element that neither side has yet: set the attributes with `addAttrs`.
   * @param type - The model's name.
   * @param name - The object's shortname, unique among the elements of its type under one parent.
   * @param keys - The object's identifiers.
   * @param sourceName - The name of the source's adapter. Default: `source`.
   * @param destName - The name of the target's adapter. Default: `dest`.
   * @param diffClass - The class of the diffs that hold children. Default: `Diff`.
   * @throws {ValueError} (VALUE_ERROR) if `type` or `name` is no string.
   */
  constructor(
    type: string,
    name: string,
    keys: Attrs,
    sourceName?: string,
    destName?: string,
    diffClass?: new () => Diff,
  );
  /** @internal */
  constructor(type: ElementKind<Diff>, name: string, keys: Attrs | undefined);
  constructor(
    type: string | ElementKind<Diff>,
    name: string,
    keys: Attrs | undefined,
    sourceName = 'source',
    destName = 'dest',
    diffClass: new () => Diff = Diff,
  ) {
    super(typeof type === 'object' && type !== null ? type : { type, sourceName, destName, diffClass }, name, keys);
    if (typeof this.kind.type !== 'string') throw new ValueError(`type is a string, not ${typeof type}`);
    if (typeof name !== 'string') throw new ValueError(`name is a string, not ${typeof name}`);
  }

  /** @internal @param dest the source's own record where both sides are equal. */
  static fromRecords(
    kind: ElementKind<Diff>,
    name: string,
    source: ElementRecord | undefined,
    dest: ElementRecord | undefined,
  ): DiffElement {
    const element = new DiffElement(kind, name, undefined);
    element.setRecords(source, dest);
    return element;
  }

  /** @internal Creates an element that is not made of stored records: of objects, of a link alone, or of a loaded plan. */
  static of(kind: ElementKind<Diff>, name: string, keys: Attrs, given: ElementParts): DiffElement {
    const element = new DiffElement(kind, name, keys);
    element.assign(given);
    if (given.seen !== undefined) element.note({ noted: given.seen });
    return element;
  }

  /** The elements of the children, as a diff of their own. */
  get childDiff(): Diff {
    return (this.children ??= new this.kind.diffClass());
  }

  /** @internal The elements of the children, where there are any. */
  get existingChildDiff(): Diff | undefined {
    return this.children;
  }

  /** How many elements there are on all levels, this one included. */
  get length(): number {
    return 1 + (this.children?.length ?? 0);
  }

  /**
   * Adds an element of a child.
   * @param element - The element; it goes to the end of the group of its type.
   * @throws {ObjectAlreadyExists} (OBJECT_ALREADY_EXISTS) if there is a child element of this type and name.
   */
  addChild(element: DiffElement): void {
    this.childDiff.add(element);
  }

  /**
   * Lists the elements of the children in the order in which they are shown and synchronised.
   * @returns The elements directly below.
   */
  getChildren(): DiffElement[] {
    return this.children?.getChildren() ?? [];
  }

  /**
   * Lists the elements of the children in the order in which they were added.
   * @returns The elements directly below.
   */
  getAddedChildren(): DiffElement[] {
    return this.children?.getAddedChildren() ?? [];
  }

  /**
   * Looks for a difference.
   * @param includeChildren - Whether to look at everything below too. Default: true.
   * @returns Whether this element, or one below it, has an action.
   */
  hasDiffs(includeChildren = true): boolean {
    return this.action !== null || (includeChildren && (this.children?.hasDiffs() ?? false));
  }

  /**
   * Copies the element without its children.
   * @param withChange - Whether to keep the change; the copy is unchanged without it.
   * @returns The copy.
   */
  copy(withChange: boolean): DiffElement {
    const { kind, name, keys, comparedUid: uid, sourceAttrs, destAttrs, input } = this;
    const source = withChange ? sourceAttrs : (destAttrs ?? sourceAttrs);
    const copy = DiffElement.of(kind, name, keys, { uid, source, dest: withChange ? destAttrs : source, input });
    copy.note({ original: this.rare?.original ?? this });
    return copy;
  }

  /** @internal What a plan notes of this element beside its change; undefined where that is all. */
  seenState(): SeenState | undefined {
    const seen = this.rare?.original ?? this;
    if (this.linkOnly) return undefined;
    if (this.action === 'delete') return seen.rare?.noted ?? seenChildren(seen);
    if (this.action !== null) return seen.rare?.noted;
    return seen.action === null ? (seen.rare?.noted ?? seenAttributes(seen)) : seenAttributes(seen);
  }

  /**
   * Counts this element and those below it by action.
   * @returns The counts; `skip` is 0.
   */
  summary(): DiffSummary {
    return doAtOnce(summarizing([this])).counts;
  }

  /**
   * Describes this element and everything below it that differs, for people.
   * @param indent - How many spaces begin each line. Default: 0.
   * @returns The text, which is cut as that of `Diff.toString` is.
   */
  override toString(indent = 0): string {
    return textOf(itemsOf(elementLines(this, indent)), ALL_LINES);
  }

  /**
   * Describes this element and everything below it that differs, as nested objects.
   * @returns `{ '-': …, '+': …, <child type>: { <name>: … } }`, without what does not differ.
   */
  toDict(): Record<string, unknown> {
    return doAtOnce(makingElementDict(this));
  }

  [inspect.custom](): string {
    return `DiffElement<${this.type} "${this.name}" ${this.action ?? 'no-change'}>`;
  }
}
