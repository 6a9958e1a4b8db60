import { describe, expect, it } from '@jest/globals';
import { isPlainObject, setOwn } from '../../src/values/own-property.js';

class Celsius {}

describe('isPlainObject()', () => {
  it.each([
    [{}, true],
    [Object.create(null), true],
    [new Celsius(), false],
    [new Map(), false],
    [[], false],
  ])('of %p returns %p', (value, plain) => expect(isPlainObject(value as object)).toBe(plain));
});

describe('setOwn()', () => {
  it('sets __proto__ as an own key', () => {
    const target = {};
    setOwn(target, '__proto__', { a: 1 });
    setOwn(target, 'b', 2);
    expect(Object.entries(target)).toEqual([
      ['__proto__', { a: 1 }],
      ['b', 2],
    ]);
    expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
  });
});
