import { inspect } from 'node:util';
import type { DiffSyncAction } from '../flags.js';
import { setOwn } from '../values/own-property.js';
import type { Attrs, AttrsDiffs } from './compared-object.js';
import { walk } from './diff-walk.js';

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
  getAttrsDiffs(): AttrsDiffs;
  getChildren(): readonly RenderedElement[];
}

/** Counts elements and everything below them, by action. */
export function summarize(roots: Iterable<RenderedElement>): DiffSummary {
  const summary: DiffSummary = { create: 0, update: 0, delete: 0, 'no-change': 0, skip: 0 };
  for (const { element } of walk(roots)) summary[element.action ?? 'no-change']++;
  return summary;
}

/** Counts the link-only elements among these and everything below them. */
export function countLinks(roots: Iterable<RenderedElement>): number {
  let links = 0;
  for (const { element } of walk(roots)) if (element.linkOnly) links++;
  return links;
}

/**
 * Returns `{ <type>: { <name>: { '-': …, '+': …, <child type>: … } } }` of the elements in `changed`. A link-only element
 * beside a change of the same object is named `<name> (link)`.
 */
export function groupsDict(
  elements: Iterable<RenderedElement>,
  changed: ReadonlySet<RenderedElement>,
): Record<string, Record<string, unknown>> {
  const root: Record<string, unknown> = {};
  const dicts = new Map<RenderedElement | undefined, Record<string, unknown>>([[undefined, root]]);
  for (const { element, parent } of walk(elements)) {
    if (!changed.has(element)) continue;
    const into = dicts.get(parent?.element) ?? root;
    if (!Object.hasOwn(into, element.type)) setOwn(into, element.type, {});
    const own: Record<string, unknown> = { ...element.getAttrsDiffs() };
    const group = into[element.type] as object;
    setOwn(group, element.linkOnly && Object.hasOwn(group, element.name) ? linkName(element) : element.name, own);
    dicts.set(element, own);
  }
  return root as Record<string, Record<string, unknown>>;
}

/** Returns one element's entry of `groupsDict`. */
export function elementDict(element: RenderedElement, changed: ReadonlySet<RenderedElement>): Record<string, unknown> {
  return { ...element.getAttrsDiffs(), ...groupsDict(element.getChildren(), changed) };
}

/** Returns the reference's text form: a heading for each type, below it its elements in `changed`. */
export function groupsText(
  elements: Iterable<RenderedElement>,
  changed: ReadonlySet<RenderedElement>,
  indent: number,
): string {
  const lines: string[] = [];
  const headings = new Map<RenderedElement | undefined, string>();
  for (const { element, parent, depth } of walk(elements)) {
    if (!changed.has(element)) continue;
    const margin = ' '.repeat(indent + 4 * depth);
    if (headings.get(parent?.element) !== element.type) lines.push(`${margin}${element.type}`);
    headings.set(parent?.element, element.type);
    lines.push(...ownLines(element, `${margin}  `));
  }
  return lines.length === 0 ? '(no diffs)' : lines.join('\n');
}

/** Returns the text of one element and of its children in `changed`. */
export function elementText(element: RenderedElement, changed: ReadonlySet<RenderedElement>, indent: number): string {
  const lines = ownLines(element, ' '.repeat(indent));
  const children = element.getChildren().filter((child) => changed.has(child));
  if (children.length > 0) lines.push(groupsText(children, changed, indent + 2));
  else if (element.sourceAttrs === null && element.destAttrs === null) lines[0] += ' (no diffs)';
  return lines.join('\n');
}

function ownLines(element: RenderedElement, margin: string): string[] {
  const { type, name, sourceName, destName, sourceAttrs, destAttrs } = element;
  const title = `${margin}${type}: ${element.linkOnly ? linkName(element) : name}`;
  if (sourceAttrs === null) return destAttrs === null ? [title] : [`${title} MISSING in ${sourceName}`];
  if (destAttrs === null) return [`${title} MISSING in ${destName}`];
  const { '+': plus = {}, '-': minus = {} } = element.getAttrsDiffs();
  return [
    title,
    ...Object.keys(plus).map(
      (key) => `${margin}  ${key}    ${sourceName}(${valueText(plus[key])})    ${destName}(${valueText(minus[key])})`,
    ),
  ];
}

function linkName({ name }: RenderedElement): string {
  return `${name} (link)`;
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { breakLength: Infinity, depth: Infinity });
}
