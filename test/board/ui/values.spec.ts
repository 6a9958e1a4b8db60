// How the board shows values, one alone and two side by side.
import { describe, expect, it } from '@jest/globals';
import { pairLines, type Piece } from '../../../src/board/ui/values/mark-difference.js';
import { readablePair, readableValue } from '../../../src/board/ui/values/value-lines.js';

/** Pieces as a text, with what differs in brackets. */
const marked = (pieces: readonly Piece[] | null): string | null =>
  pieces === null ? null : pieces.map(({ text, differs }) => (differs ? `[${text}]` : text)).join('');

const rows = (before: readonly string[], after: readonly string[]): (readonly (string | null)[])[] =>
  pairLines(before, after).map((pair) => [marked(pair.old), marked(pair.new)]);

describe('pairLines', () => {
  it('marks the words that differ in a line, on both sides', () => {
    expect(rows(['Rack 4, row B, upper half'], ['Rack 5, row B, lower half'])).toEqual([
      ['Rack [4], row B, [upper] half', 'Rack [5], row B, [lower] half'],
    ]);
  });

  it('keeps equal lines together around lines that only one side has', () => {
    expect(rows(['a', 'b', 'c'], ['a', 'x', 'y', 'c'])).toEqual([
      ['a', 'a'],
      ['[b]', '[x]'],
      [null, '[y]'],
      ['c', 'c'],
    ]);
    expect(rows(['a', 'b'], ['b'])).toEqual([
      ['[a]', null],
      ['b', 'b'],
    ]);
  });

  it('says of each line whether it is equal', () => {
    expect(pairLines(['a', 'b'], ['a', 'c']).map(({ equal }) => equal)).toEqual([true, false]);
    expect(pairLines([], [])).toEqual([]);
  });

  it('breaks no letter of two code units apart', () => {
    expect(rows(['😀'], ['😁'])).toEqual([['[😀]', '[😁]']]);
  });

  it('compares two long texts without a table of all pairs of their lines', () => {
    const before = Array.from({ length: 2000 }, (_, at) => `old ${at}`);
    const after = Array.from({ length: 2000 }, (_, at) => `new ${at}`);
    const pairs = pairLines(['same', ...before, 'end'], ['same', ...after, 'end']);
    expect(pairs).toHaveLength(2002);
    expect([pairs[0]?.equal, pairs[1]?.equal, pairs.at(-1)?.equal]).toEqual([true, false, true]);
    expect(marked(pairs[1]?.old ?? null)).toBe('[old] 0');
  });
});

describe('readableValue', () => {
  it('escapes what a text hides, and shows a line break before it makes one', () => {
    expect(readableValue('a\u202Eb\u0007\nc\td').lines).toEqual(['a\\u202eb\\x07\\n', 'c\\td']);
  });

  it('shows other values as JSON, and those that JSON lacks by their kind', () => {
    expect(readableValue({ a: [1], b: '\u202E\n' }).lines).toEqual([
      '{',
      '  "a": [',
      '    1',
      '  ],',
      '  "b": "\\u202e\\n"',
      '}',
    ]);
    const tagged = (kind: string, v?: unknown): readonly string[] => readableValue({ $diffsync: kind, v }).lines;
    expect(tagged('bigint', '9000')).toEqual(['9000n']);
    expect(tagged('number', 'NaN')).toEqual(['NaN']);
    expect(tagged('Date', '2026-01-02T03:04:05.000Z')).toEqual(['Date(2026-01-02T03:04:05.000Z)']);
    expect(tagged('cut', { text: 'begin', length: 70_000 })).toEqual(['begin…', '(the beginning of 70000 characters)']);
    expect(tagged('undefined')).toEqual(['undefined']);
    expect(readableValue(undefined).lines).toEqual(['undefined']);
    expect(readableValue([{ $diffsync: 'bigint', v: '1' }]).lines.join('')).toBe(
      '[  {    "$diffsync": "bigint",    "v": "1"  }]',
    );
  });

  it('shows an empty text as one, and says how many lines it has cut', () => {
    expect(readableValue('').lines).toEqual(['""']);
    const { lines, cut } = readableValue(Array.from({ length: 2500 }, (_, at) => at).join('\n'));
    expect([lines.length, cut]).toEqual([2000, 500]);
    expect(readableValue('x'.repeat(50_000)).lines[0]).toHaveLength(20_001);
  });
});

describe('readablePair', () => {
  it('quotes both values where they would look the same', () => {
    expect(readablePair('1', 1).map(({ lines }) => lines)).toEqual([['"1"'], ['1']]);
    expect(readablePair('1', 2).map(({ lines }) => lines)).toEqual([['1'], ['2']]);
    expect(readablePair('null', null).map(({ lines }) => lines)).toEqual([['"null"'], ['null']]);
  });
});
