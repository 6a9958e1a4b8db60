import { inspect } from 'node:util';
import { ValueError } from '../errors.js';
import { DiffSyncStatus, type DiffSyncAction } from '../flags.js';
import { sameValue } from '../values.js';
import { Diff } from './diff.js';
import { changedElements, elementDict, elementText, summarize, walk, type DiffSummary } from './tree.js';

export type Attrs = Readonly<Record<string, unknown>>;

/** What differs: `-` the target's values, `+` the source's. A side that is missing altogether has no entry. */
export interface AttrsDiffs {
  readonly '-'?: Attrs;
  readonly '+'?: Attrs;
}

/** One object on both sides, whether or not it differs. Source: the reference's `DiffElement`. */
export class DiffElement {
  /** The source's attributes; null where the source does not have the object. */
  sourceAttrs: Attrs | null = null;
  /** The target's attributes; null where the target does not have the object. */
  destAttrs: Attrs | null = null;
  /** What a sync did with this element; UNKNOWN where it attempted nothing. */
  status = DiffSyncStatus.UNKNOWN;
  /** Words that go with `status`. */
  message = '';
  /** When two values of an attribute count as equal, where that is not by value; of the target's model. */
  comparison: Readonly<Record<string, (a: unknown, b: unknown) => boolean>> | undefined;
  private children: Diff | undefined;

  /**
   * @param type the model's name.
   * @param name the object's shortname, unique among the elements of its type under one parent.
   * @param keys the object's identifiers.
   */
  constructor(
    readonly type: string,
    readonly name: string,
    readonly keys: Attrs,
    readonly sourceName = 'source',
    readonly destName = 'dest',
    private readonly diffClass: new () => Diff = Diff,
  ) {
    if (typeof type !== 'string') throw new ValueError(`type is a string, not ${typeof type}`);
    if (typeof name !== 'string') throw new ValueError(`name is a string, not ${typeof name}`);
  }

  /** What makes the target equal to the source; null where nothing has to be done to the object itself. */
  get action(): DiffSyncAction | null {
    const { sourceAttrs, destAttrs } = this;
    if (sourceAttrs === null) return destAttrs === null ? null : 'delete';
    if (destAttrs === null) return 'create';
    if (sourceAttrs === destAttrs) return null;
    return this.getAttrsKeys().some((key) => this.differs(key, sourceAttrs, destAttrs)) ? 'update' : null;
  }

  /** The elements below, as a diff of their own. */
  get childDiff(): Diff {
    return (this.children ??= new this.diffClass());
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
    const copy = new DiffElement(this.type, this.name, this.keys, this.sourceName, this.destName, this.diffClass);
    copy.comparison = this.comparison;
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

  private differs(key: string, source: Attrs, dest: Attrs): boolean {
    if (sameValue(source[key], dest[key])) return false;
    const same =
      this.comparison !== undefined && Object.hasOwn(this.comparison, key) ? this.comparison[key] : undefined;
    return same === undefined || !same(source[key], dest[key]);
  }

  [inspect.custom](): string {
    return `DiffElement<${this.type} "${this.name}" ${this.action ?? 'no-change'}>`;
  }
}
