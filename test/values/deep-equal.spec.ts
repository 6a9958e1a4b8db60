import { describe, expect, it } from '@jest/globals';
import { isDeepEqual } from '../../src/values/deep-equal.js';

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
  ])('finds %p equal to %p', (a, b) => expect(isDeepEqual(a, b)).toBe(true));

  it.each<[unknown, unknown]>([
    [1, true],
    [1, '1'],
    [1, 1n],
    [0, -0],
    [[0], [-0]],
    [null, undefined],
    [{}, []],
    [{ a: undefined }, {}],
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
