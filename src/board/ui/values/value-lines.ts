import { visibleText } from '../../../values/visible-text.js';

/** A text with more lines is cut there: no page shows more of one value. */
const MOST_LINES = 2000;
/** The same for one line, in UTF-16 units. */
const LONGEST_LINE = 20_000;

/** A value as people read it: what a text hides is escaped, and each line of it is one of these. */
export interface ReadableValue {
  readonly lines: readonly string[];
  /** What it is; a text is as it is, everything else as JSON, or as the kind says. */
  readonly kind: 'text' | 'other';
  /** How many lines are not among these. */
  readonly cut: number;
}

/** @param quote - Whether a text is in quotes: where `'1'` stands beside `1`. */
export function readableValue(value: unknown, quote = false): ReadableValue {
  const text = typeof value === 'string' && !quote && value !== '';
  const all = text ? linesOf(value) : jsonOf(value).split('\n').map(visibleText);
  return {
    lines: all.slice(0, MOST_LINES).map(bounded),
    kind: text ? 'text' : 'other',
    cut: Math.max(0, all.length - MOST_LINES),
  };
}

/** Two values that stand side by side; both quoted where they would look the same, as `'1'` and `1` do. */
export function readablePair(one: unknown, other: unknown): readonly [ReadableValue, ReadableValue] {
  const pair = [readableValue(one), readableValue(other)] as const;
  const same = pair[0].lines.join('\n') === pair[1].lines.join('\n');
  return same ? [readableValue(one, true), readableValue(other, true)] : pair;
}

/** A line break is shown, and then made: the text stays readable, and what it breaks is no line of the page. */
function linesOf(text: string): string[] {
  const lines = text.split('\n').map(visibleText);
  return lines.map((line, at) => (at < lines.length - 1 ? `${line}\\n` : line));
}

function bounded(line: string): string {
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
}

/**
 * JSON with two spaces. A value that JSON lacks, which the server sends with a tag, says its kind; within others it keeps its tag, so
 * that it is not taken for a text.
 */
function jsonOf(value: unknown): string {
  return value === undefined ? 'undefined' : (taggedText(value) ?? JSON.stringify(value, null, 2));
}

function taggedText(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('$diffsync' in value)) return undefined;
  const kind = value.$diffsync;
  const inner = 'v' in value ? value.v : undefined;
  switch (kind) {
    case 'undefined':
      return 'undefined';
    case 'bigint':
      return `${String(inner)}n`;
    case 'number':
      return String(inner);
    case 'Date':
      return inner === null ? 'Date(invalid)' : `Date(${String(inner)})`;
    case 'cut':
      return cutText(inner);
    case 'Uint8Array':
      return `Uint8Array(base64 ${String(inner)})`;
    default:
      return undefined;
  }
}

/** The beginning of a value that is too long to be sent whole. */
function cutText(of: unknown): string {
  const { text, length } = Object(of) as { readonly text?: unknown; readonly length?: unknown };
  return `${String(text)}…\n(the beginning of ${String(length)} characters)`;
}
