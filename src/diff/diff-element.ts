import { inspect } from 'node:util';
import { ValueError } from '../errors.js';
import { DiffSyncStatus, type DiffSyncAction } from '../flags.js';
import { isDeepEqual } from '../values/deep-equal.js';
import { pickFields } from '../values/clone.js';
import { Diff } from './diff.js';
import { elementDict, elementText, summarize, type DiffSummary } from './diff-render.js';
import { changedElements, walk } from './diff-walk.js';

export type Attrs = Readonly<Record<string, unknown>>;

/** What differs: `-` the target's values, `+` the source's. A side that is missing altogether has no entry. */
export interface AttrsDiffs {
  readonly '-'?: Attrs;
  readonly '+'?: Attrs;
}

/** What the elements of one type in one diff have in common. */
export interface ElementKind {
  readonly type: string;
  readonly sourceName: string;
  readonly destName: string;
  readonly diffClass: new () => Diff;
  /** When two values of an attribute count as equal, where that is not by value; of the target's model. */
  readonly comparison?: Readonly<Record<string, (a: unknown, b: unknown) => boolean>> | undefined;
  /** Of elements that are made from what a store keeps. */
  readonly fields?: ElementFields;
}

export interface ElementFields {
  readonly identifiers: readonly string[];
  readonly attributes: readonly string[];
  /** Those of the attributes that are compared: what an element has of an object that is on both sides. */
  readonly compared: readonly string[];
}

/** An object as a store keeps it. Nobody changes it. */
export interface ElementRecord {
  readonly uid: string;
  readonly data: Attrs;
}

/** Of an element whose keys nobody has asked for. */
const UNREAD: Attrs = Object.freeze({});

/** One object on both sides, whether or not it differs. Source: the reference's `DiffElement`. */
export class DiffElement {
  /** What a sync did with this element; UNKNOWN where it attempted nothing. */
  status = DiffSyncStatus.UNKNOWN;
  /** Words that go with `status`. */
  message = '';
  private readonly kind: ElementKind;
  private children: Diff | undefined;
  private source: Attrs | null = null;
  private dest: Attrs | null = null;
  /** Keys and attributes are copied out of these when somebody asks: of most elements nobody does. One for both: they are equal. */
  private sourceRecord: ElementRecord | undefined;
  private destRecord: ElementRecord | undefined;

  /**
   * @param type the model's name.
   * @param name the object's shortname, unique among the elements of its type under one parent.
   * @param keys the object's identifiers.
   */
  constructor(
    type: string | ElementKind,
    readonly name: string,
    private ids: Attrs,
    sourceName = 'source',
    destName = 'dest',
    diffClass: new () => Diff = Diff,
  ) {
    this.kind = typeof type === 'object' && type !== null ? type : { type, sourceName, destName, diffClass };
    if (typeof this.kind.type !== 'string') throw new ValueError(`type is a string, not ${typeof type}`);
    if (typeof name !== 'string') throw new ValueError(`name is a string, not ${typeof name}`);
  }

  /** @internal @param dest the source's own record where both sides are equal. */
  static fromRecords(
    kind: ElementKind,
    name: string,
    source: ElementRecord | undefined,
    dest: ElementRecord | undefined,
  ): DiffElement {
    const element = new DiffElement(kind, name, UNREAD);
    element.sourceRecord = source;
    element.destRecord = dest;
    // Whoever looks at it will want to see what differs: that is less to hold than both objects.
    if (source !== undefined && dest !== undefined && source !== dest) element.take();
    return element;
  }

  get type(): string {
    return this.kind.type;
  }

  get sourceName(): string {
    return this.kind.sourceName;
  }

  get destName(): string {
    return this.kind.destName;
  }

  get keys(): Attrs {
    this.take();
    return this.ids;
  }

  /** The source's attributes; null where the source does not have the object. */
  get sourceAttrs(): Attrs | null {
    this.take();
    return this.source;
  }

  set sourceAttrs(attrs: Attrs | null) {
    this.take();
    this.source = attrs;
  }

  /** The target's attributes; null where the target does not have the object. */
  get destAttrs(): Attrs | null {
    this.take();
    return this.dest;
  }

  set destAttrs(attrs: Attrs | null) {
    this.take();
    this.dest = attrs;
  }

  /** @internal The unique id that a store knows the object by, if it is made of these identifiers and still at hand. */
  uidOf(identifiers: readonly string[]): string | undefined {
    return this.kind.fields?.identifiers === identifiers ? (this.sourceRecord ?? this.destRecord)?.uid : undefined;
  }

  /** What makes the target equal to the source; null where nothing has to be done to the object itself. */
  get action(): DiffSyncAction | null {
    const { sourceRecord, destRecord } = this;
    if (sourceRecord !== destRecord) {
      if (sourceRecord === undefined) return 'delete';
      if (destRecord === undefined) return 'create';
    } else if (sourceRecord !== undefined) return null;
    const { sourceAttrs, destAttrs } = this;
    if (sourceAttrs === null) return destAttrs === null ? null : 'delete';
    if (destAttrs === null) return 'create';
    if (sourceAttrs === destAttrs) return null;
    return this.getAttrsKeys().some((key) => this.differs(key, sourceAttrs, destAttrs)) ? 'update' : null;
  }

  /** The elements below, as a diff of their own. */
  get childDiff(): Diff {
    return (this.children ??= new this.kind.diffClass());
  }

  /** How many elements, itself included. */
  get length(): number {
    return 1 + (this.children?.length ?? 0);
  }

  addAttrs(attrs: { readonly source?: Attrs | null; readonly dest?: Attrs | null }): void {
    if (attrs.source !== undefined && attrs.source !== null) this.sourceAttrs = attrs.source;
    if (attrs.dest !== undefined && attrs.dest !== null) this.destAttrs = attrs.dest;
  }

  /** The attributes that both sides have, or those of the only side. */
  getAttrsKeys(): string[] {
    const { sourceAttrs, destAttrs } = this;
    const keys = Object.keys(destAttrs ?? sourceAttrs ?? {});
    return sourceAttrs === null || destAttrs === null ? keys : keys.filter((key) => Object.hasOwn(sourceAttrs, key));
  }

  getAttrsDiffs(): AttrsDiffs {
    const { sourceAttrs, destAttrs } = this;
    if (sourceAttrs === null) return destAttrs === null ? {} : { '-': { ...destAttrs } };
    if (destAttrs === null) return { '+': { ...sourceAttrs } };
    const minus: Record<string, unknown> = {};
    const plus: Record<string, unknown> = {};
    for (const key of this.getAttrsKeys()) {
      if (!this.differs(key, sourceAttrs, destAttrs)) continue;
      minus[key] = destAttrs[key];
      plus[key] = sourceAttrs[key];
    }
    return { '-': minus, '+': plus };
  }

  /** @throws ObjectAlreadyExists when an element of this type and name is below already. */
  addChild(element: DiffElement): void {
    this.childDiff.add(element);
  }

  /** The elements directly below, in the diff's order. */
  getChildren(): DiffElement[] {
    return this.children?.getChildren() ?? [];
  }

  /** The elements directly below, in the order of their `add`. */
  getAddedChildren(): DiffElement[] {
    return this.children?.getAddedChildren() ?? [];
  }

  /** Whether this element, or by default anything below it, differs. */
  hasDiffs(includeChildren = true): boolean {
    return this.action !== null || (includeChildren && (this.children?.hasDiffs() ?? false));
  }

  /** A copy without what is below; without `withChange` it is one that does not differ. */
  copy(withChange: boolean): DiffElement {
    const copy = new DiffElement(this.kind, this.name, this.keys);
    copy.sourceAttrs = withChange ? this.sourceAttrs : (this.destAttrs ?? this.sourceAttrs);
    copy.destAttrs = withChange ? this.destAttrs : copy.sourceAttrs;
    return copy;
  }

  summary(): DiffSummary {
    return summarize([this]);
  }

  /** A detailed text, with everything below that differs. */
  toString(indent = 0): string {
    return elementText(this, changedElements(walk([this])), indent);
  }

  toDict(): Record<string, unknown> {
    return elementDict(this, changedElements(walk([this])));
  }

  /** All at once, and lets go of what it is taken from. */
  private take(): void {
    const { sourceRecord, destRecord } = this;
    const record = sourceRecord ?? destRecord;
    const { fields } = this.kind;
    if (record === undefined || fields === undefined) return;
    const { identifiers, attributes, compared } = fields;
    const names = sourceRecord === undefined || destRecord === undefined ? attributes : compared;
    const read = (from: ElementRecord | undefined): Attrs | null =>
      from === undefined ? null : pickFields(from.data, names);
    this.ids = pickFields(record.data, identifiers);
    this.source = read(sourceRecord);
    this.dest = sourceRecord === destRecord ? this.source : read(destRecord);
    this.sourceRecord = this.destRecord = undefined;
  }

  private differs(key: string, source: Attrs, dest: Attrs): boolean {
    if (isDeepEqual(source[key], dest[key])) return false;
    const { comparison } = this.kind;
    const same = comparison !== undefined && Object.hasOwn(comparison, key) ? comparison[key] : undefined;
    return same === undefined || !same(source[key], dest[key]);
  }

  [inspect.custom](): string {
    return `DiffElement<${this.type} "${this.name}" ${this.action ?? 'no-change'}>`;
  }
}
