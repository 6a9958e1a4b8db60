import { inspect } from 'node:util';
import { ObjectAlreadyExists } from '../errors.js';
import type { DiffElement } from './diff-element.js';
import { changedElements, groupsDict, groupsText, summarize, walk, type DiffSummary } from './tree.js';

/** A finished comparison: elements in groups by type. Source: the reference's `Diff`. */
export class Diff {
  /** How many objects of both sides the comparison looked at. */
  modelsProcessed = 0;
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
    return [...this.elements].flatMap(([group, elements]) => [...this.orderChildren(group, [...elements.values()])]);
  }

  /**
   * The order in which a group's elements are shown and synchronised; of this diff and of the diffs below it, which are of
   * the same class. Default: the source's order, then what only the target has, in its order.
   */
  protected orderChildren(group: string, elements: readonly DiffElement[]): Iterable<DiffElement> {
    void group;
    return elements;
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
