import { randomInt } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { cloneValue } from '../../src/values/clone.js';
import { isDeepEqual } from '../../src/values/deep-equal.js';
import { canonicalJson } from '../../src/values/extended-json.js';

/** A value that contains itself more than once. */
function cycle(): unknown {
  const value: Record<string, unknown> = { a: 1 };
  return Object.assign(value, { self: value, list: [value, new Map([['again', value]])] });
}

describe('isDeepEqual()', () => {
  const invalid = (): Date => new Date(Number.NaN);
  it.each<[unknown, unknown]>([
    [Number.NaN, Number.NaN],
    [
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ],
    [new Date(1), new Date(1)],
    [invalid(), invalid()],
    [{ at: [invalid()] }, { at: [invalid()] }],
    [new Map([[1n, invalid()]]), new Map([[1n, invalid()]])],
    [new Set([invalid(), 1]), new Set([1, invalid()])],
    [new Map([['a', new Set([1])]]), new Map([['a', new Set([1])]])],
    [new Uint8Array([1]), new Uint8Array([1])],
    [new Uint8Array([1]), Buffer.from([1])],
    [{ a: undefined }, {}],
    [
      { a: 1, b: undefined },
      { c: undefined, a: 1 },
    ],
    [{ constructor: undefined }, {}],
    [[{ x: { a: undefined } }], [{ x: {} }]],
    [new Map([['k', { a: undefined }]]), new Map([['k', {}]])],
    [new Set([{ a: undefined }]), new Set([{}])],
    [new Set(['x', 'y']), new Set(['y', 'x'])],
    [new Set([{ a: 1 }, { b: [2] }]), new Set([{ b: [2] }, { a: 1 }])],
    [
      new Map<unknown, unknown>([
        ['a', 1],
        [{ b: 1 }, 2],
      ]),
      new Map<unknown, unknown>([
        [{ b: 1 }, 2],
        ['a', 1],
      ]),
    ],
    [Object.assign(Array(2), { 1: 1 }), [undefined, 1]],
    [Object.assign(Object.create(null) as object, { a: 1 }), { a: 1 }],
    [cycle(), cycle()],
  ])('finds %p equal to %p', (a, b) => expect(isDeepEqual(a, b)).toBe(true));

  it.each<[unknown, unknown]>([
    [1, true],
    [1, '1'],
    [1, 1n],
    [0, -0],
    [[0], [-0]],
    [null, undefined],
    [{}, []],
    [{ a: undefined }, { a: null }],
    [{ a: undefined, b: 1 }, { a: 1 }],
    [{}, { a: 1, b: undefined }],
    [[undefined], []],
    [[undefined], [null]],
    [[{ a: 1 }, undefined], [{ a: 1 }]],
    [new Map([['a', undefined]]), new Map()],
    [new Set([undefined]), new Set()],
    [new Set([{ a: 1 }, { a: 1 }]), new Set([{ a: 1 }, { a: 2 }])],
    [new Map([['a', 1]]), new Map([['b', 1]])],
    [new Map([[{ k: 1 }, 1]]), new Map([[{ k: 1 }, 2]])],
    [new Map([['a', 1]]), new Set(['a'])],
    [{}, new Date(0)],
    [{}, new Map()],
    [JSON.parse('{"__proto__":1}'), {}],
    [
      [1, 2],
      [2, 1],
    ],
    [new Set([1]), [1]],
    [new Date(1), new Date(2)],
    [new Date(1), invalid()],
    [
      [invalid(), 1],
      [invalid(), 2],
    ],
    [new Set([invalid()]), new Set([new Date(0)])],
    [new Date(1), 1],
    ['', null],
  ])('finds %p different from %p', (a, b) => {
    expect(isDeepEqual(a, b)).toBe(false);
    expect(isDeepEqual(b, a)).toBe(false);
  });
});

/** Few different scalars, so that equal values are frequent. */
const scalar = fc.constantFrom<unknown[]>(
  undefined,
  null,
  true,
  0,
  -0,
  1,
  Number.NaN,
  Infinity,
  '',
  'a',
  '0',
  '$diffsync',
  0n,
  1n,
);
const key = fc.constantFrom('a', 'b', '0', '$diffsync', '__proto__', 'constructor', 'v');
const values = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.constantFrom(0, 1, Number.NaN).map((time) => new Date(time)),
    fc.constantFrom([], [0], [1]).map((bytes) => new Uint8Array(bytes)),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(key, tie('any'), { maxKeys: 3, noNullPrototype: true }),
    fc.array(fc.tuple(tie('any'), tie('any')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie('any'), { maxLength: 3 }).map((items) => new Set(items)),
  ),
})).any;

/** An equal value, made otherwise: other orders, and keys with `undefined` more or less. */
function rewritten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewritten);
  if (value instanceof Map) return new Map([...value].toReversed().map(([k, v]) => [rewritten(k), rewritten(v)]));
  if (value instanceof Set) return new Set([...value].toReversed().map(rewritten));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return cloneValue(value);
  const kept = Object.entries(value).filter(([, item]) => item !== undefined);
  const extra = Object.hasOwn(value, 'b') ? [] : [['b', undefined] as const];
  return Object.fromEntries([...extra, ...kept.toReversed().map(([k, item]) => [k, rewritten(item)] as const)]);
}

describe('isDeepEqual() and canonicalJson()', () => {
  const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
  const runs = { numRuns: 3000, seed };

  it(`agree on any two values, in both directions (seed ${seed})`, () => {
    let equal = 0;
    fc.assert(
      fc.property(values, values, (a, b) => {
        const same = isDeepEqual(a, b);
        if (same) equal++;
        expect(canonicalJson(a) === canonicalJson(b)).toBe(same);
        expect(isDeepEqual(b, a)).toBe(same);
      }),
      runs,
    );
    expect(equal).toBeGreaterThan(30);
  });

  it(`find a value equal to itself made otherwise, and to its copy (seed ${seed})`, () => {
    fc.assert(
      fc.property(values, (a) => {
        const b = rewritten(a);
        const c = cloneValue(b);
        for (const [left, right] of [
          [a, a],
          [a, b],
          [b, a],
          [b, c],
          [a, c],
        ] as const) {
          expect(isDeepEqual(left, right)).toBe(true);
          expect(canonicalJson(left)).toBe(canonicalJson(right));
        }
      }),
      runs,
    );
  });

  it(`are transitive (seed ${seed})`, () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        if (isDeepEqual(a, b) && isDeepEqual(b, c)) expect(isDeepEqual(a, c)).toBe(true);
        if (isDeepEqual(a, b)) expect(isDeepEqual(a, c)).toBe(isDeepEqual(b, c));
      }),
      runs,
    );
  });
});
