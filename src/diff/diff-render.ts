import type { Steps } from '../async/steps.js';
import type { DiffSyncAction } from '../flags.js';
import { setOwn } from '../values/own-property.js';
import { SECRET_TEXT } from '../values/secret.js';
import { differentTexts } from '../values/value-text.js';
import { visibleText } from '../values/visible-text.js';
import type { Attrs, AttrsDiffs } from './compared-object.js';
import { findingChanged, walk } from './diff-walk.js';

/** How many objects need which action. */
export interface DiffSummary {
  /** Objects that only the source has, and links that only its parents have. */
  create: number;
  /** Objects whose attributes differ. */
  update: number;
  /** Objects that only the target has, and links that only its parents have. */
  delete: number;
  /** Objects that are equal on both sides. */
  'no-change': number;
  /** Objects that were looked at and left out: by flags, or because the other side cannot hold them. */
  skip: number;
}

/** What a rendering needs to know of an element. */
interface RenderedElement {
  readonly type: string;
  readonly name: string;
  readonly sourceName: string;
  readonly destName: string;
  readonly sourceAttrs: Attrs | null;
  readonly destAttrs: Attrs | null;
  readonly action: DiffSyncAction | null;
  readonly linkOnly: boolean;
  shownDiffs(): AttrsDiffs;
  getChildren(): readonly RenderedElement[];
}

/** Counts elements and everything below them, by action, and the link-only elements among them. */
export function* summarizing(roots: Iterable<RenderedElement>): Steps<{ counts: DiffSummary; links: number }> {
  const counts: DiffSummary = { create: 0, update: 0, delete: 0, 'no-change': 0, skip: 0 };
  let links = 0;
  for (const { element } of walk(roots)) {
    counts[element.action ?? 'no-change']++;
    if (element.linkOnly) links++;
    yield;
  }
  return { counts, links };
}

/**
 * Makes `{ <type>: { <name>: { '-': …, '+': …, <child type>: … } } }` of the elements that differ, or have below them what differs.
 * A link-only element beside a change of the same object is named `<name> (link)`.
 */
export function* makingDict(elements: readonly RenderedElement[]): Steps<Record<string, Record<string, unknown>>> {
  const changed = yield* findingChanged<RenderedElement>(walk(elements));
  const root: Record<string, unknown> = {};
  /** The dicts above the next element: what is above a changed one is changed. */
  const above = [root];
  for (const { element, depth } of walk(elements)) {
    yield;
    if (!changed.has(element)) continue;
    const into = above[depth] ?? root;
    if (!Object.hasOwn(into, element.type)) setOwn(into, element.type, {});
    const own: Record<string, unknown> = { ...element.shownDiffs() };
    const group = into[element.type] as object;
    setOwn(group, element.linkOnly && Object.hasOwn(group, element.name) ? linkName(element) : element.name, own);
    above[depth + 1] = own;
  }
  return root as Record<string, Record<string, unknown>>;
}

/** Makes one element's entry of the dict. */
export function* makingElementDict(element: RenderedElement): Steps<Record<string, unknown>> {
  return { ...element.shownDiffs(), ...(yield* makingDict(element.getChildren())) };
}

/** A line of a text; undefined for a step without a line. */
type LineStep = Generator<string | undefined, void, undefined>;

/** Yields the reference's text form: a heading for each type, below it its elements that differ or have below them what differs. */
export function* diffLines(elements: readonly RenderedElement[], indent: number): LineStep {
  const changed = yield* findingChanged<RenderedElement>(walk(elements));
  if (changed.size === 0) yield '(no diffs)';
  else yield* groupLines(elements, changed, indent);
}

/** Yields the lines of one element and of its children that differ. */
export function* elementLines(element: RenderedElement, indent: number): LineStep {
  const changed = yield* findingChanged<RenderedElement>(walk([element]));
  const children = element.getChildren().filter((child) => changed.has(child));
  const isNowhere = element.sourceAttrs === null && element.destAttrs === null;
  const [title, ...attrs] = ownLines(element, ' '.repeat(indent));
  yield children.length === 0 && isNowhere ? `${title} (no diffs)` : title;
  yield* attrs;
  yield* groupLines(children, changed, indent + 2);
}

function* groupLines(
  elements: readonly RenderedElement[],
  changed: ReadonlySet<RenderedElement>,
  indent: number,
): LineStep {
  /** The last heading at each depth, below the elements that are above the next one. */
  const headings: (string | undefined)[] = [];
  for (const { element, depth } of walk(elements)) {
    yield undefined;
    if (!changed.has(element)) continue;
    const margin = ' '.repeat(indent + 4 * depth);
    if (headings[depth] !== element.type) yield `${margin}${visibleText(element.type)}`;
    headings[depth] = element.type;
    headings[depth + 1] = undefined;
    yield* ownLines(element, `${margin}  `);
  }
}

function ownLines(element: RenderedElement, margin: string): [string, ...string[]] {
  const { name, sourceAttrs, destAttrs } = element;
  const [type, source, dest] = [element.type, element.sourceName, element.destName].map(visibleText);
  const title = `${margin}${type}: ${visibleText(element.linkOnly ? linkName(element) : name)}`;
  if (sourceAttrs === null) return destAttrs === null ? [title] : [`${title} MISSING in ${source}`];
  if (destAttrs === null) return [`${title} MISSING in ${dest}`];
  const { '+': plus = {}, '-': minus = {} } = element.shownDiffs();
  return [
    title,
    ...Object.keys(plus).map((key) => {
      // They differ: one text for both is that of secret values.
      const [ours, theirs] =
        plus[key] === SECRET_TEXT ? [SECRET_TEXT, SECRET_TEXT] : differentTexts(plus[key], minus[key]);
      return `${margin}  ${visibleText(key)}    ${source}(${ours})    ${dest}(${theirs})`;
    }),
  ];
}

function linkName({ name }: RenderedElement): string {
  return `${name} (link)`;
}
