import { inspect } from 'node:util';
import { DiffInvalid, ObjectAlreadyExists, type DiffSyncError, type SyncLocation } from '../errors.js';
import type { DiffElement } from './diff-element.js';
import {
  addPlanElements,
  fingerprintOf,
  planElements,
  readHeader,
  type DiffTerms,
  type Fingerprint,
  type Plan,
  type PlanHeader,
  type PlanSide,
} from './diff-plan.js';
import { copySelected, selects, type Selection } from './diff-selection.js';
import { groupsDict, groupsText, summarize, type DiffSummary } from './diff-render.js';
import { changedElements, walk, walkAdded } from './diff-walk.js';

/** Unique ids of what a sync created, updated and deleted of one model, in the order in which it did. */
export interface ModelOperations {
  readonly create: string[];
  readonly update: string[];
  readonly delete: string[];
}

/** A create, update or delete that failed while the sync went on. */
export interface SyncFailure {
  readonly location: SyncLocation;
  readonly error: DiffSyncError;
}

// Shared, as every element with children has a diff of its own.
const NO_TERMS: DiffTerms = Object.freeze({ source: 'source', target: 'dest', flags: 0 });
const NO_OPERATIONS: ReadonlyMap<string, ModelOperations> = new Map();
const NO_ERRORS: readonly SyncFailure[] = Object.freeze([]);

/** A finished comparison: elements in groups by type. Source: the reference's `Diff`. */
export class Diff {
  /** How many objects of both sides the comparison looked at. */
  modelsProcessed = 0;
  /** What the comparison was made with. */
  terms: DiffTerms = NO_TERMS;
  /** Model name -> what the last sync with this diff did. */
  operations: ReadonlyMap<string, ModelOperations> = NO_OPERATIONS;
  /** What failed in the last sync with this diff, which went on: see `continueOnFailure`. */
  errors: readonly SyncFailure[] = NO_ERRORS;
  /** With `verify`: what the last sync with this diff did not settle. */
  unsettled: Diff | undefined;
  /** Of a diff that was loaded: what it saw when it was made. Of a selection: the diff that it was made from. */
  private made: Fingerprint | Diff | undefined;
  private readonly elements = new Map<string, Map<string, DiffElement>>();

  /** How many elements, on all levels. */
  get length(): number {
    let length = 0;
    for (const _ of walk(this.getChildren())) length++;
    return length;
  }

  /**
   * Called once when the diff is complete. Does nothing; a subclass may save it, for example. Elements' own diffs of their
   * children are never told.
   */
  complete(): void | Promise<void> {}

  /** @throws ObjectAlreadyExists when an element of this type and name is there already. */
  add(element: DiffElement): void {
    let group = this.elements.get(element.type);
    if (group === undefined) this.elements.set(element.type, (group = new Map()));
    if (group.has(element.name)) {
      throw new ObjectAlreadyExists(`Already storing a ${element.type} named ${element.name}`, group.get(element.name));
    }
    group.set(element.name, element);
  }

  /** The types of the elements, in the order of their first `add`. */
  groups(): string[] {
    return [...this.elements.keys()];
  }

  hasDiffs(): boolean {
    for (const { element } of walk(this.getChildren())) if (element.action !== null) return true;
    return false;
  }

  /** The top elements: group by group, each ordered by `orderChildren`. */
  getChildren(): DiffElement[] {
    return [...this.elements].flatMap(([group, elements]) => {
      const ordered = this.orderChildren(group, [...elements.values()]);
      return Array.isArray(ordered) ? (ordered as DiffElement[]) : [...ordered];
    });
  }

  /** The top elements: group by group, each in the order of their `add`, whatever a subclass makes of it. */
  getAddedChildren(): DiffElement[] {
    return [...this.elements.values()].flatMap((elements) => [...elements.values()]);
  }

  /**
   * The order in which a group's elements are shown and synchronised; of this diff and of the diffs below it, which are of
   * the same class. Default: the source's order, then what only the target has, in its order.
   */
  protected orderChildren(group: string, elements: readonly DiffElement[]): Iterable<DiffElement> {
    void group;
    return elements;
  }

  /** A new diff with the changes that satisfy all that is given, and the elements above them. */
  filter(selection: Selection): this {
    return this.select((element) => selects(selection, element));
  }

  /** A new diff with all other changes: with `filter` of the same selection it has each change in one of the two. */
  exclude(selection: Selection): this {
    return this.select((element) => !selects(selection, element));
  }

  private select(wanted: (element: DiffElement) => boolean): this {
    const result = copySelected(this, wanted, new (this.constructor as new () => this)());
    result.terms = this.terms;
    result.made = this.made ?? this;
    return result;
  }

  /** Whether it was loaded from a plan: then a sync first checks that it still fits. */
  get isPlan(): boolean {
    return this.made instanceof Diff ? this.made.isPlan : this.made !== undefined;
  }

  /** Digests of what the comparison saw on either side. */
  fingerprint(): Fingerprint {
    if (this.made instanceof Diff) return this.made.fingerprint();
    return this.made ?? fingerprintOf(this);
  }

  /** The changes as JSON, to be loaded with `Diff.fromJSON` in another process or at another time. */
  toJSON(): Plan {
    return { ...this.header(), elements: [...planElements(this)] };
  }

  /** As `toJSON`, line by line: a header, then an element a line. For diffs that are too large for one text. */
  *toJSONLines(): Generator<string, void, undefined> {
    yield `${JSON.stringify(this.header())}\n`;
    for (const element of planElements(this)) yield `${JSON.stringify(element)}\n`;
  }

  /**
   * A diff from `toJSON`, for a sync between the same adapters. @throws DiffInvalid, path by path.
   * @param adapters the target's models decide how attributes compare.
   */
  static fromJSON<D extends Diff>(this: new () => D, json: unknown, adapters: { readonly target: PlanSide }): D {
    const header = readHeader(json);
    const { elements } = json as { elements?: unknown };
    if (!Array.isArray(elements)) throw new DiffInvalid('This is no saved diff: elements: not a list');
    return Diff.restore(this, header, elements, adapters.target);
  }

  /** A diff from the lines of `toJSONLines`, as any chunks of text. @throws DiffInvalid */
  static async fromJSONLines<D extends Diff>(
    this: new () => D,
    text: Iterable<string> | AsyncIterable<string>,
    adapters: { readonly target: PlanSide },
  ): Promise<D> {
    const lines: unknown[] = [];
    let rest = '';
    const parse = (line: string): void => {
      try {
        if (line.trim() !== '') lines.push(JSON.parse(line));
      } catch (error) {
        throw new DiffInvalid(`This is no saved diff: line ${lines.length + 1} is not JSON`, { cause: error });
      }
    };
    for await (const chunk of text) {
      const parts = `${rest}${chunk}`.split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) parse(line);
    }
    parse(rest);
    const [header, ...elements] = lines;
    return Diff.restore(this, readHeader(header), elements, adapters.target);
  }

  private header(): PlanHeader {
    const length = changedElements(walkAdded(this)).size;
    return { format: 'nestjs-diffsync.diff', version: 1, terms: this.terms, fingerprint: this.fingerprint(), length };
  }

  private static restore<D extends Diff>(
    diffClass: new () => D,
    header: PlanHeader,
    elements: Iterable<unknown>,
    target: PlanSide,
  ): D {
    const diff = new diffClass();
    addPlanElements(diff, diffClass, header, elements, target);
    diff.terms = header.terms;
    diff.made = header.fingerprint;
    return diff;
  }

  summary(): DiffSummary {
    const summary = summarize(this.getChildren());
    const compared = summary.create + summary.delete + 2 * (summary.update + summary['no-change']);
    return { ...summary, skip: Math.max(0, this.modelsProcessed - compared) };
  }

  /** A detailed text of what differs, or `(no diffs)`. */
  toString(indent = 0): string {
    const children = this.getChildren();
    return groupsText(children, changedElements(walk(children)), indent);
  }

  /** `{ <type>: { <name>: { '-': …, '+': …, <child type>: … } } }`, without what does not differ. */
  toDict(): Record<string, Record<string, unknown>> {
    const children = this.getChildren();
    return groupsDict(children, changedElements(walk(children)));
  }

  [inspect.custom](): string {
    return `${this.constructor.name}<${inspect(this.summary(), { breakLength: Infinity })}>`;
  }
}
