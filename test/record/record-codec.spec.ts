import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeRecord, encodeRecord } from '../../src/index.js';
import { isDeepEqual } from '../../src/values/deep-equal.js';
import { cloneValue } from '../../src/values/clone.js';

const key = fc.oneof(
  fc.constantFrom('$diffsync', 'v', 'flags', '__proto__', 'constructor', 'toJSON', ''),
  fc.string({ unit: 'binary' }),
);

/** Every kind that a store keeps, nested in each other. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom(undefined, null, true, false, -0, 0, Number.NaN, Infinity, -Infinity, '$diffsync', '__proto__'),
    fc.double(),
    fc.string({ unit: 'binary' }),
    fc.bigInt(),
    fc.date(),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array(),
    fc.array(tie('any')),
    fc.dictionary(key, tie('any'), { noNullPrototype: true }),
    fc.array(fc.tuple(tie('any'), tie('any'))).map((entries) => new Map(entries)),
    fc.array(tie('any')).map((items) => new Set(items)),
  ),
})).any;
const data = fc.dictionary(key, value, { noNullPrototype: true });

function assertNothingPolluted(): void {
  for (const prototype of [Object.prototype, Array.prototype, Map.prototype, Set.prototype]) {
    expect(Object.keys(prototype)).toEqual([]);
  }
}

describe('encodeRecord() and decodeRecord()', () => {
  it('give back every value and all flags', () => {
    fc.assert(
      fc.property(data, fc.option(fc.integer(), { nil: undefined }), (given, flags) => {
        const record = { uid: 'u', data: cloneValue(given) as Record<string, unknown> };
        const text = encodeRecord(flags === undefined ? record : { ...record, flags });
        const back = decodeRecord('u', text);
        expect(back.flags).toBe(flags);
        expect(isDeepEqual(back.data, record.data)).toBe(true);
        expect(encodeRecord(back)).toBe(text);
      }),
      { numRuns: 1000 },
    );
    assertNothingPolluted();
  });

  it('write JSON values as plain JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (given) => {
        const plain = JSON.parse(JSON.stringify(given)) as Record<string, unknown>;
        const text = JSON.stringify(plain);
        fc.pre(!text.includes('"$diffsync"'));
        expect(encodeRecord({ uid: 'u', data: plain })).toBe(text);
      }),
    );
  });

  it.each<[string, unknown, string]>([
    ['a Date', new Date(0), '{"$diffsync":"Date","v":"1970-01-01T00:00:00.000Z"}'],
    ['an invalid Date', new Date(Number.NaN), '{"$diffsync":"Date","v":null}'],
    ['a bigint', 12n, '{"$diffsync":"bigint","v":"12"}'],
    ['a Map', new Map([['a', 1n]]), '{"$diffsync":"Map","v":[["a",{"$diffsync":"bigint","v":"1"}]]}'],
    ['a Set', new Set([1]), '{"$diffsync":"Set","v":[1]}'],
    ['a Uint8Array', new Uint8Array([255]), '{"$diffsync":"Uint8Array","v":"/w=="}'],
    ['NaN', Number.NaN, '{"$diffsync":"number","v":"NaN"}'],
    ['-0', -0, '{"$diffsync":"number","v":"-0"}'],
    ['undefined', undefined, '{"$diffsync":"undefined"}'],
    ['an own key $diffsync', { $diffsync: 1 }, '{"$diffsync":"object","v":{"$diffsync":1}}'],
  ])('write %s in its lasting form', (_, given, text) => {
    expect(encodeRecord({ uid: 'u', data: { value: given } })).toBe(`{"value":${text}}`);
    expect(isDeepEqual(decodeRecord('u', `{"value":${text}}`).data, { value: given })).toBe(true);
  });

  it('write flags beside the data', () => {
    const text = '{"$diffsync":"object","flags":5,"v":{"a":1}}';
    expect(encodeRecord({ uid: 'u', data: { a: 1 }, flags: 5 })).toBe(text);
    expect(decodeRecord('u', text)).toEqual({ uid: 'u', data: { a: 1 }, flags: 5 });
  });
});

describe('decodeRecord()', () => {
  it.each([
    ['no JSON', 'nonsense'],
    ['nothing', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['a text', '"x"'],
    ['a tagged Map', '{"$diffsync":"Map","v":[]}'],
    ['a tagged Date', '{"$diffsync":"Date","v":null}'],
    ['a tagged number', '{"$diffsync":"number","v":"NaN"}'],
    ['an unknown kind', '{"a":{"$diffsync":"RegExp","v":"x"}}'],
    ['a kind that is no text', '{"a":{"$diffsync":{"x":1}}}'],
    ['a damaged number', '{"a":{"$diffsync":"number","v":"12"}}'],
    ['a damaged bigint', '{"a":{"$diffsync":"bigint","v":"0x10"}}'],
    ['a damaged Date', '{"a":{"$diffsync":"Date","v":"yesterday"}}'],
    ['a damaged Map', '{"a":{"$diffsync":"Map","v":[[1]]}}'],
    ['a damaged Set', '{"a":{"$diffsync":"Set","v":{}}}'],
    ['a damaged Uint8Array', '{"a":{"$diffsync":"Uint8Array","v":[1]}}'],
    ['a damaged object', '{"a":{"$diffsync":"object","v":[]}}'],
    ['flags that are no integer', '{"$diffsync":"object","flags":"1","v":{}}'],
  ])('of %s throws', (_, text) => {
    expect(() => decodeRecord('u', text)).toThrow();
  });

  it('of any text gives a record or throws an Error, and pollutes no prototype', () => {
    const kind = fc.constantFrom(
      'object',
      'Map',
      'Set',
      'Date',
      'number',
      'bigint',
      'undefined',
      'Uint8Array',
      '__proto__',
    );
    const hostile = fc.letrec<{ any: string }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom('1', '"x"', 'null', '{"polluted":1}'),
        fc
          .tuple(fc.constantFrom('__proto__', 'constructor', 'prototype', '$diffsync', 'v'), tie('any'))
          .map(([name, below]) => `{${JSON.stringify(name)}:${below}}`),
        fc.tuple(kind, tie('any')).map(([name, below]) => `{"$diffsync":"${name}","flags":1,"v":${below}}`),
        fc.tuple(tie('any'), tie('any')).map((items) => `[${items.join()}]`),
        fc.tuple(tie('any'), tie('any')).map(([a, b]) => `{"__proto__":${a},"constructor":${b}}`),
      ),
    })).any;
    fc.assert(
      fc.property(fc.oneof(hostile, fc.json(), fc.string()), (text) => {
        try {
          const record = decodeRecord('u', text);
          expect(Object.getPrototypeOf(record.data)).toBe(Object.prototype);
        } catch (error) {
          if (!(error instanceof Error) || 'matcherResult' in error) throw error;
        }
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
    assertNothingPolluted();
  });
});
