import { inspect } from 'node:util';
import { ValueError } from '../errors.js';
import {
  ComparedObject,
  type Attrs,
  type ElementKind,
  type ElementParts,
  type ElementRecord,
  type SourceInput,
} from './compared-object.js';
import {
  addPlanElements,
  elementsOf,
  fingerprintOf,
  planElements,
  planHeader,
  readHeader,
  readJsonLines,
  type DiffTerms,
  type Fingerprint,
  type Plan,
  type PlanHeader,
  type PlanSide,
} from './diff-plan.js';
import {
  countLinks,
  elementDict,
  elementText,
  groupsDict,
  groupsText,
  summarize,
  type DiffSummary,
} from './diff-render.js';
import { copySelected, isSelected, type Selection } from './diff-selection.js';
import { changedElements, walk } from './diff-walk.js';
import { ElementGroups } from './element-groups.js';
import { NOTHING_YET, type ModelOperations, type SyncFailure, type UnlistedCounts } from './sync-outcome.js';

declare module '../errors.js' {
  interface DiffSyncErrorBase {
    /**
     * The diff of the sync that the error ended, with its `operations`, its `errors` and the statuses of its elements: what was
     * done before. It is no enumerable property, so that logs do not show it. Other errors have none.
     */
    readonly diff?: Diff;
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
  /** The terms on which the comparison was made. */
  terms: DiffTerms = NOTHING_YET.terms;
  /** What the last sync with this diff did, by model name. */
  operations: ReadonlyMap<string, ModelOperations> = NOTHING_YET.operations;
  /** The failures after which the last sync with this diff went on: see `continueOnFailure`. */
  errors: readonly SyncFailure[] = NOTHING_YET.errors;
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
  /** @internal Whether the comparison has left out objects of the target, which may list what it has not left out. */
  hidesParents = false;
  /** @internal The links of shared children, but for one of each child. */
  sharedLinks = NOTHING_YET.sharedLinks;
  private readonly elements = new ElementGroups<DiffElement>();

  /** How many elements there are, on all levels. */
  get length(): number {
    let length = 0;
    for (const _ of walk(this.getChildren())) length++;
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
    for (const { element } of walk(this.getChildren())) if (element.action !== null) return true;
    return false;
  }

  /** @returns The top elements as they are shown and synchronised: group by group, each ordered by `orderChildren`. */
  getChildren(): DiffElement[] {
    return this.elements.names().flatMap((group) => {
      const ordered = this.orderChildren(group, this.elements.of(group));
      return Array.isArray(ordered) ? (ordered as DiffElement[]) : [...ordered];
    });
  }

  /** @returns The top elements group by group, in the order of their `add`, whatever `orderChildren` returns. */
  getAddedChildren(): DiffElement[] {
    return this.elements.names().flatMap((group) => this.elements.of(group));
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
   * Selects changes. Elements above a selected change stay, without a change of their own that is not selected.
   * @param selection - The conditions; a change is selected if it satisfies every one that is given.
   * @returns A new diff of the same class with the selected changes.
   * @example
   * ```ts
   * const creates = diff.filter({ actions: ['create'], modelTypes: ['device'] });
   * ```
   */
  filter(selection: Selection): this {
    return this.select((element) => isSelected(selection, element));
  }

  /**
   * Selects the opposite of `filter`: each change is in exactly one of the two.
   * @param selection - The conditions; a change that satisfies every one that is given is left out.
   * @returns A new diff of the same class with all other changes.
   */
  exclude(selection: Selection): this {
    return this.select((element) => !isSelected(selection, element));
  }

  private select(isWanted: (element: DiffElement) => boolean): this {
    const result = new (this.constructor as new () => this)();
    copySelected<DiffElement>(this, isWanted, result);
    result.terms = this.terms;
    result.origin = this.origin ?? this;
    return result;
  }

  /** @internal Of a selection, the diff that it was made from. */
  get original(): Diff | undefined {
    return this.origin instanceof Diff ? this.origin : undefined;
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
    if (this.origin instanceof Diff) return this.origin.fingerprint();
    return this.origin ?? fingerprintOf<DiffElement>(this, this.sharedLinks);
  }

  /**
   * Saves the changes as a plan, to be loaded with `Diff.fromJSON` in another process or at another time.
   * @returns A value that `JSON.stringify` can write.
   * @example
   * ```ts
   * await writeFile('plan.json', JSON.stringify(diff));
   * ```
   */
  toJSON(): Plan {
    return { ...this.header(), elements: [...planElements<DiffElement>(this)] };
  }

  /**
   * Saves the changes as JSON Lines, for diffs that are too large for one string.
   * @returns The lines with their line breaks: a header, then one line for each element.
   */
  *toJSONLines(): Generator<string, void, undefined> {
    yield `${JSON.stringify(this.header())}\n`;
    for (const element of planElements<DiffElement>(this)) yield `${JSON.stringify(element)}\n`;
  }

  /**
   * Loads a plan that `toJSON` saved, for a sync between the same adapters.
   * @param json - The parsed JSON.
   * @param adapters - `target` is the adapter to be changed; its models decide how attributes compare.
   * @returns A diff of the class on which this is called.
   * @throws {DiffInvalid} (DIFF_INVALID) with the path of each mistake, if it is no plan or was cut short.
   * @example
   * ```ts
   * const plan = Diff.fromJSON(JSON.parse(await readFile('plan.json', 'utf8')), { target: cmdb });
   * await cmdb.syncFrom(network, { diff: plan });
   * ```
   */
  static fromJSON<D extends Diff>(this: new () => D, json: unknown, adapters: { readonly target: PlanSide }): D {
    const header = readHeader(json);
    return Diff.restore(this, header, elementsOf(json), adapters.target);
  }

  /**
   * Loads a plan that `toJSONLines` saved.
   * @param text - The lines, in chunks of any size: a file's stream, for example.
   * @param adapters - `target` is the adapter to be changed; its models decide how attributes compare.
   * @returns A diff of the class on which this is called.
   * @throws {DiffInvalid} (DIFF_INVALID) with the path of each mistake, if it is no plan or was cut short.
   */
  static async fromJSONLines<D extends Diff>(
    this: new () => D,
    text: Iterable<string> | AsyncIterable<string>,
    adapters: { readonly target: PlanSide },
  ): Promise<D> {
    const [header, ...elements] = await readJsonLines(text);
    return Diff.restore(this, readHeader(header), elements, adapters.target);
  }

  private header(): PlanHeader {
    return planHeader<DiffElement>(this, this.terms, this.fingerprint());
  }

  private static restore<D extends Diff>(
    diffClass: new () => D,
    header: PlanHeader,
    elements: Iterable<unknown>,
    target: PlanSide,
  ): D {
    const diff = new diffClass();
    const createElement = (kind: ElementKind<Diff>, name: string, keys: Attrs, input?: SourceInput): DiffElement =>
      DiffElement.of(kind, name, keys, { input });
    addPlanElements<DiffElement, Diff>({ diff, diffClass, createElement }, header, elements, target);
    diff.terms = header.terms;
    diff.origin = header.fingerprint;
    return diff;
  }

  /**
   * Counts the elements on all levels by action, link-only elements among them.
   * @returns The counts; `skip` is how many objects were looked at and have no element.
   */
  summary(): DiffSummary {
    const children = this.getChildren();
    const summary = summarize(children);
    const objects = summary.create + summary.delete - countLinks(children);
    const compared = objects + 2 * (summary.update + summary['no-change']);
    return { ...summary, skip: Math.max(0, this.modelsProcessed - compared) };
  }

  /**
   * Describes what differs, for people.
   * @param indent - How many spaces begin each line. Default: 0.
   * @returns The text, or `(no diffs)`.
   */
  toString(indent = 0): string {
    const children = this.getChildren();
    return groupsText(children, changedElements(walk(children)), indent);
  }

  /**
   * Describes what differs, as nested objects.
   * @returns `{ <type>: { <name>: { '-': …, '+': …, <child type>: … } } }`, without what does not differ.
   */
  toDict(): Record<string, Record<string, unknown>> {
    const children = this.getChildren();
    return groupsDict(children, changedElements(walk(children)));
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
    return element;
  }

  /** The elements of the children, as a diff of their own. */
  get childDiff(): Diff {
    return (this.children ??= new this.kind.diffClass());
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
    return DiffElement.of(kind, name, keys, { uid, source, dest: withChange ? destAttrs : source, input });
  }

  /**
   * Counts this element and those below it by action.
   * @returns The counts; `skip` is 0.
   */
  summary(): DiffSummary {
    return summarize([this]);
  }

  /**
   * Describes this element and everything below it that differs, for people.
   * @param indent - How many spaces begin each line. Default: 0.
   * @returns The text.
   */
  override toString(indent = 0): string {
    return elementText(this, changedElements(walk<DiffElement>([this])), indent);
  }

  /**
   * Describes this element and everything below it that differs, as nested objects.
   * @returns `{ '-': …, '+': …, <child type>: { <name>: … } }`, without what does not differ.
   */
  toDict(): Record<string, unknown> {
    return elementDict(this, changedElements(walk<DiffElement>([this])));
  }

  [inspect.custom](): string {
    return `DiffElement<${this.type} "${this.name}" ${this.action ?? 'no-change'}>`;
  }
}
