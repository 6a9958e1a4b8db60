import { inspect } from 'node:util';
import { DiffCompareFailed } from '../errors.js';
import { DiffSyncStatus, type DiffSyncAction } from '../flags.js';
import { cloneValue, pickFields } from '../values/clone.js';
import { isDeepEqual } from '../values/deep-equal.js';
import type { SeenState } from './seen-state.js';
import { HiddenValue, hideTexts, secretTexts, withoutSecrets } from '../values/secret.js';

/** Field names and values of one object. */
export type Attrs = Readonly<Record<string, unknown>>;

/** The attributes that differ: `-` has the target's values, `+` the source's. A side without the object has no entry. */
export interface AttrsDiffs {
  readonly '-'?: Attrs;
  readonly '+'?: Attrs;
}

/** Says for each attribute when two values count as equal; an attribute without an entry is compared by value. */
type Comparisons = Readonly<Record<string, (a: unknown, b: unknown) => boolean>>;

/** What all elements of one type share in one diff. `D` is the class of the diffs below them. */
export interface ElementKind<D> {
  readonly type: string;
  readonly sourceName: string;
  readonly destName: string;
  readonly diffClass: new () => D;
  /** The comparisons of the target's model. */
  readonly comparison?: Comparisons | undefined;
  /** The attributes whose values are not shown; undefined where there are none. */
  readonly secret?: ReadonlySet<string> | undefined;
  /** Set where the elements are made from stored records. */
  readonly fields?: ElementFields;
  /** See `ComparedObject.linkOnly`. */
  readonly linkOnly?: boolean;
}

/** The fields that an element copies out of a stored record. */
interface ElementFields {
  readonly identifiers: readonly string[];
  readonly attributes: readonly string[];
  /** The compared attributes: an element whose object is on both sides copies no others. */
  readonly compared: readonly string[];
  /** Adds the declared fields that the fields of a stored record lack. */
  readonly complete: (data: Attrs) => Attrs;
}

/** What an element is made of where it is not made of stored records. */
export interface ElementParts {
  readonly uid?: string | undefined;
  readonly source?: Attrs | null;
  readonly dest?: Attrs | null;
  readonly input?: SourceInput | undefined;
  /** What the plan of which the element was loaded had noted. */
  readonly seen?: SeenState | undefined;
}

/** What the target's schema has changed or refused of an object that the source has under another schema. */
export interface SourceInput {
  /** The source's own identifiers, where the target's are others: the schema parses them when the object is created. */
  readonly ids?: Attrs;
  /** Attribute -> why the target's schema refuses the source's value, which is in `sourceAttrs` as it is. */
  readonly refused?: Readonly<Record<string, string>>;
  /** The model flags that a recreated object gets. */
  readonly flags?: number;
}

/** An object as a store keeps it. It must not be changed. */
export interface ElementRecord {
  readonly uid: string;
  readonly data: Attrs;
}

/**
 * What a sync has done without a call of the object's hook: deleted it with everything below its parent, removed only its link because
 * a parent outside the comparison lists it, or left it out because its change is stale.
 */
export type ElementOutcome = 'deleted-with-parent' | 'unlinked' | 'stale';

/** What few elements have. The others are many, and take less memory without fields for it. */
export interface RareFacts<Element = unknown> {
  outcome?: ElementOutcome | undefined;
  input?: SourceInput | undefined;
  /** Of a copy, the element that it was made of. */
  original?: Element;
  /** What the plan of which the element was loaded had noted. */
  noted?: SeenState;
}

/** Stands for the keys of an element whose record has not been read yet. */
const UNREAD: Attrs = Object.freeze({});
const NO_TEXTS: ReadonlySet<string> = new Set();

/**
 * One object as both sides have it: its keys, its attributes on either side, and the action that makes the target equal.
 * It is made lazily: keys and attributes are copied out of the stored records when they are first read, because most
 * elements of a large diff are unchanged and never read.
 */
export class ComparedObject<D> {
  /** What the last sync did with this object; UNKNOWN where it attempted nothing. */
  status = DiffSyncStatus.UNKNOWN;
  /** The explanation that goes with `status`; empty where there is none. */
  message = '';
  /** The object's shortname; unique among the elements of its type under one parent. */
  readonly name: string;
  /** @internal */
  protected readonly kind: ElementKind<D>;
  private ids: Attrs;
  private source: Attrs | null = null;
  private dest: Attrs | null = null;
  /** The same record as `destRecord` where both sides are equal. */
  private sourceRecord: ElementRecord | undefined;
  private destRecord: ElementRecord | undefined;
  /** The unique id, once the records are dropped or where there were none. */
  private uid: string | undefined;
  /** @internal */
  protected rare: RareFacts | undefined;

  /** @internal @param keys undefined where `setRecords` follows. */
  constructor(kind: ElementKind<D>, name: string, keys: Attrs | undefined) {
    this.kind = kind;
    this.name = name;
    this.ids = keys ?? UNREAD;
  }

  /** @internal Takes the stored records in place of keys and attributes. @param dest the source's own record where both are equal. */
  protected setRecords(source: ElementRecord | undefined, dest: ElementRecord | undefined): void {
    this.sourceRecord = source;
    this.destRecord = dest;
    // An element that differs will be read, and its compared attributes take less memory than both records.
    if (source !== undefined && dest !== undefined && source !== dest) this.readRecords();
  }

  /** @internal What has become of the object where `status` is UNKNOWN and its change was not simply left out. */
  get outcome(): ElementOutcome | undefined {
    return this.rare?.outcome;
  }

  /** @internal */
  set outcome(outcome: ElementOutcome | undefined) {
    if (outcome !== this.outcome) this.note({ outcome });
  }

  /** @internal */
  get input(): SourceInput | undefined {
    return this.rare?.input;
  }

  /** @internal */
  protected note(facts: RareFacts): void {
    this.rare = { ...this.rare, ...facts };
  }

  /** The name of the object's model. */
  get type(): string {
    return this.kind.type;
  }

  /** The name of the source's adapter. */
  get sourceName(): string {
    return this.kind.sourceName;
  }

  /** The name of the target's adapter. */
  get destName(): string {
    return this.kind.destName;
  }

  /** The object's identifiers, as the target has them. */
  get keys(): Attrs {
    this.readRecords();
    return this.ids;
  }

  /** The source's attributes; null where the source does not have the object. */
  get sourceAttrs(): Attrs | null {
    this.readRecords();
    return this.source;
  }

  set sourceAttrs(attrs: Attrs | null) {
    this.readRecords();
    this.source = attrs;
  }

  /** The target's attributes; null where the target does not have the object. */
  get destAttrs(): Attrs | null {
    this.readRecords();
    return this.dest;
  }

  set destAttrs(attrs: Attrs | null) {
    this.readRecords();
    this.dest = attrs;
  }

  /** @internal The unique id of the object in the target; undefined where no comparison has said it, as in a loaded plan. */
  get comparedUid(): string | undefined {
    return (this.destRecord ?? this.sourceRecord)?.uid ?? this.uid;
  }

  /**
   * Whether only the link differs: the target has the object, or will have it, and the parent above must list it (`create`)
   * or must not list it (`delete`). No hook of the object is called, but its parent's `linkChild` or `unlinkChild`.
   */
  get linkOnly(): boolean {
    return this.kind.linkOnly === true;
  }

  /** @internal Sets what the public constructor does not take. */
  protected assign({ uid, source = null, dest = null, input }: ElementParts): void {
    this.uid = uid;
    if (input !== undefined) this.note({ input });
    this.source = source;
    this.dest = dest;
  }

  /** @internal The side that alone has the object; undefined where both have it. Nothing is compared for that. */
  get onlySide(): 'source' | 'target' | undefined {
    const { sourceRecord, destRecord } = this;
    if (sourceRecord !== undefined && destRecord !== undefined) return undefined;
    if (sourceRecord !== undefined || destRecord !== undefined) return sourceRecord === undefined ? 'target' : 'source';
    if (this.source === null) return this.dest === null ? undefined : 'target';
    return this.dest === null ? 'source' : undefined;
  }

  /** The action that makes the target's object equal to the source's; null where none is needed. */
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

  /**
   * Sets the attributes of one side or of both.
   * @param attrs - The attributes by side; a side that is absent or null stays as it is.
   */
  addAttrs(attrs: { readonly source?: Attrs | null; readonly dest?: Attrs | null }): void {
    if (attrs.source !== undefined && attrs.source !== null) this.sourceAttrs = attrs.source;
    if (attrs.dest !== undefined && attrs.dest !== null) this.destAttrs = attrs.dest;
  }

  /**
   * Lists the attributes that are compared.
   * @returns The names that both sides' classes declare, or the names of the attributes that the only side's object has. An
   * attribute that an object does not have is compared as `undefined`.
   */
  getAttrsKeys(): string[] {
    const { sourceAttrs, destAttrs } = this;
    const keys = Object.keys(destAttrs ?? sourceAttrs ?? {});
    return sourceAttrs === null || destAttrs === null ? keys : keys.filter((key) => Object.hasOwn(sourceAttrs, key));
  }

  /**
   * Compares the attributes of both sides.
   * @returns The values that differ, by side; all values of the only side where the other does not have the object.
   */
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

  /** @internal The attributes whose values are not shown; undefined where there are none. */
  get secret(): ReadonlySet<string> | undefined {
    return this.kind.secret;
  }

  /** @internal What `getAttrsDiffs` returns, as it is shown to people: without secret values. */
  shownDiffs(): AttrsDiffs {
    const diffs = this.getAttrsDiffs();
    const { secret } = this.kind;
    if (secret === undefined) return diffs;
    const shown = Object.entries(diffs).map(([side, attrs]) => [side, withoutSecrets(attrs as Attrs, secret)]);
    return Object.fromEntries(shown) as AttrsDiffs;
  }

  /** @internal Returns a text that others have made, without the secret values of this object. */
  withoutSecrets(text: string): string {
    return this.kind.secret === undefined ? text : hideTexts(text, this.secretTexts());
  }

  /** @internal The secret values of this object, in the forms in which a text may have them. */
  secretTexts(): ReadonlySet<string> {
    const { secret } = this.kind;
    return secret === undefined ? NO_TEXTS : secretTexts(secret, [this.sourceAttrs, this.destAttrs]);
  }

  /** Copies keys and attributes out of the records, once, and drops the references to them. */
  private readRecords(): void {
    const { sourceRecord, destRecord } = this;
    const record = sourceRecord ?? destRecord;
    const { fields } = this.kind;
    if (record === undefined || fields === undefined) return;
    const { identifiers, attributes, compared, complete } = fields;
    const isOnBoth = sourceRecord !== undefined && destRecord !== undefined;
    const read = (from: ElementRecord | undefined): Attrs | null => {
      if (from === undefined) return null;
      return isOnBoth ? pickDeclared(from.data, compared, complete) : pickPresent(from.data, attributes, complete);
    };
    this.uid = record.uid;
    this.ids = pickPresent(record.data, identifiers, complete);
    this.source = read(sourceRecord);
    this.dest = sourceRecord === destRecord ? this.source : read(destRecord);
    this.sourceRecord = this.destRecord = undefined;
  }

  private differs(key: string, source: Attrs, dest: Attrs): boolean {
    if (isDeepEqual(source[key], dest[key])) return false;
    // Which values they stand for, and that these differ, the comparison of the plan has found.
    if (source[key] instanceof HiddenValue || dest[key] instanceof HiddenValue) return true;
    const { comparison } = this.kind;
    const same = comparison !== undefined && Object.hasOwn(comparison, key) ? comparison[key] : undefined;
    if (same === undefined) return true;
    try {
      return !same(source[key], dest[key]);
    } catch (error) {
      throw this.compareFailed(key, error);
    }
  }

  private compareFailed(attribute: string, cause: unknown): DiffCompareFailed {
    const { type, name, sourceName, destName } = this;
    const uid = this.comparedUid ?? name;
    const thrown = cause instanceof Error ? cause.message : inspect(cause);
    const reason = this.withoutSecrets(thrown);
    return new DiffCompareFailed(
      `${type} "${uid}": the compare function of "${attribute}" threw for the values of ${sourceName} and ${destName}: ${reason}`,
      type,
      uid,
      attribute,
      reason === thrown ? { cause } : {}, // What it threw repeats a secret value then.
    );
  }
}

/** Copies the fields that the object has, once its record is complete. */
function pickPresent(data: Attrs, names: readonly string[], complete: ElementFields['complete']): Attrs {
  return pickFields(names.every((name) => data[name] !== undefined) ? data : complete(data), names);
}

/** Copies the declared fields of an object; one that it does not have is an own key with `undefined`. */
function pickDeclared(data: Attrs, names: readonly string[], complete: ElementFields['complete']): Attrs {
  const picked: Record<string, unknown> = {};
  let completed: Attrs | undefined;
  for (const name of names) {
    // No field has a name of Object.prototype, so that what is found is the record's own.
    const value = data[name];
    picked[name] = cloneValue(value === undefined ? (completed ??= complete(data))[name] : value, name);
  }
  return picked;
}
