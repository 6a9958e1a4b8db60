import { inspect } from 'node:util';
import { setOwn } from '../values/own-property.js';
import type { DiffElement } from './diff-element.js';
import { walk } from './diff-walk.js';

/** Walks and renderings of a diff's elements. None of them recurses, so depth is bounded by memory alone. */

export interface DiffSummary {
  create: number;
  update: number;
  delete: number;
  'no-change': number;
  /** Objects that were looked at and left out: by flags, or because the other side cannot hold them. */
  skip: number;
}

export function summarize(roots: Iterable<DiffElement>): DiffSummary {
  const summary: DiffSummary = { create: 0, update: 0, delete: 0, 'no-change': 0, skip: 0 };
  for (const { element } of walk(roots)) summary[element.action ?? 'no-change']++;
  return summary;
}

/** `{ <type>: { <name>: { '-': …, '+': …, <child type>: … } } }`, without what does not differ. */
export function groupsDict(
  elements: Iterable<DiffElement>,
  changed: ReadonlySet<DiffElement>,
): Record<string, Record<string, unknown>> {
  const root: Record<string, unknown> = {};
  const dicts = new Map<DiffElement | undefined, Record<string, unknown>>([[undefined, root]]);
  for (const { element, parent } of walk(elements)) {
    if (!changed.has(element)) continue;
    const into = dicts.get(parent?.element) ?? root;
    if (!Object.hasOwn(into, element.type)) setOwn(into, element.type, {});
    const own: Record<string, unknown> = { ...element.getAttrsDiffs() };
    setOwn(into[element.type] as object, element.name, own);
    dicts.set(element, own);
  }
  return root as Record<string, Record<string, unknown>>;
}

export function elementDict(element: DiffElement, changed: ReadonlySet<DiffElement>): Record<string, unknown> {
  return { ...element.getAttrsDiffs(), ...groupsDict(element.getChildren(), changed) };
}

/** The reference's text form: a heading for each type, below it the elements that differ. */
export function groupsText(elements: Iterable<DiffElement>, changed: ReadonlySet<DiffElement>, indent: number): string {
  const lines: string[] = [];
  const headings = new Map<DiffElement | undefined, string>();
  for (const { element, parent, depth } of walk(elements)) {
    if (!changed.has(element)) continue;
    const margin = ' '.repeat(indent + 4 * depth);
    if (headings.get(parent?.element) !== element.type) lines.push(`${margin}${element.type}`);
    headings.set(parent?.element, element.type);
    lines.push(...ownLines(element, `${margin}  `));
  }
  return lines.length === 0 ? '(no diffs)' : lines.join('\n');
}

export function elementText(element: DiffElement, changed: ReadonlySet<DiffElement>, indent: number): string {
  const lines = ownLines(element, ' '.repeat(indent));
  const children = element.getChildren().filter((child) => changed.has(child));
  if (children.length > 0) lines.push(groupsText(children, changed, indent + 2));
  else if (element.sourceAttrs === null && element.destAttrs === null) lines[0] += ' (no diffs)';
  return lines.join('\n');
}

function ownLines(element: DiffElement, margin: string): string[] {
  const { type, name, sourceName, destName, sourceAttrs, destAttrs } = element;
  const title = `${margin}${type}: ${name}`;
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

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { breakLength: Infinity, depth: Infinity });
}
