import type { Steps } from '../../async/steps.js';
import type { Diff, DiffElement } from '../../diff/diff.js';
import { walkAdded } from '../../diff/diff-walk.js';

/** An element of a plan, with what stands at its place now. */
export interface PlannedElement {
  readonly element: DiffElement;
  /** The index of the element above; -1 at the top. */
  readonly parent: number;
  readonly depth: number;
  readonly now: DiffElement | undefined;
}

/** Finds what stands now at the place of each element of a plan. @returns the elements, each before those below it. */
export function* meetingElements(plan: Diff, again: Diff): Steps<PlannedElement[]> {
  const planned: PlannedElement[] = [];
  /** By depth: the index of the last element, and what stands now beside the next one, by name. */
  const above: number[] = [];
  const beside: (Map<string, DiffElement> | undefined)[] = [];
  for (const { element, depth } of walkAdded<DiffElement>(plan)) {
    yield;
    const parent = depth === 0 ? -1 : (above[depth - 1] as number);
    beside.length = depth + 1;
    let siblings = beside[depth];
    if (siblings === undefined) {
      const children = depth === 0 ? again.getAddedChildren() : (planned[parent]?.now?.getAddedChildren() ?? []);
      beside[depth] = siblings = yield* indexing(children);
    }
    above[depth] = planned.push({ element, parent, depth, now: siblings.get(nameOf(element)) }) - 1;
  }
  return planned;
}

function* indexing(elements: readonly DiffElement[]): Steps<Map<string, DiffElement>> {
  const byName = new Map<string, DiffElement>();
  for (const element of elements) {
    yield;
    byName.set(nameOf(element), element);
  }
  return byName;
}

function nameOf({ linkOnly, type, name }: DiffElement): string {
  return `${linkOnly ? 'link' : ''} ${type} ${name}`;
}

/** Returns `type uid` of an element's object. */
export function objectKey(element: DiffElement | undefined): string {
  return element === undefined ? '' : `${element.type} ${element.comparedUid ?? element.name}`;
}

/** Names an element and those above it, for messages. */
export function placeText(planned: readonly PlannedElement[], index: number): string {
  const names: string[] = [];
  for (let at = planned[index]; at !== undefined; at = planned[at.parent]) {
    names.push(`${at.element.linkOnly ? 'the link of ' : ''}${at.element.type} ${at.element.name}`);
  }
  return names.join(' below ');
}
