import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { cloneValue, UnstorableValue } from '../../src/values/clone.js';

class Celsius {}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { value };
  return value;
}

function refusal(value: unknown): UnstorableValue {
  try {
    cloneValue(value, 'field');
  } catch (error) {
    if (error instanceof UnstorableValue) return error;
  }
  throw new Error('the value was not refused');
}

describe('cloneValue()', () => {
  it('shares no part with the original', () => {
    const original = { list: [{ at: new Date(0) }], map: new Map([['k', new Set([1])]]), bytes: new Uint8Array([1]) };
    const copy = cloneValue(original) as typeof original;
    expect(copy).toStrictEqual(original);
    expect(copy.list).not.toBe(original.list);
    expect(copy.list[0]?.at).not.toBe(original.list[0]?.at);
    expect(copy.map.get('k')).not.toBe(original.map.get('k'));
    expect(copy.bytes.buffer).not.toBe(original.bytes.buffer);
  });

  it('makes a Buffer a Uint8Array, a gap undefined, and a null prototype a plain object', () => {
    expect(cloneValue(Buffer.from([1]))).toStrictEqual(new Uint8Array([1]));
    const gap: unknown[] = [];
    gap[1] = 1;
    expect(cloneValue(gap)).toStrictEqual([undefined, 1]);
    expect(cloneValue(Object.assign(Object.create(null) as object, { a: 1 }))).toStrictEqual({ a: 1 });
  });

  it('takes plain objects, lists and dates of another realm', () => {
    const copy = cloneValue(runInNewContext('({ a: [new Date(0)], m: new Map([[1, 2]]) })'));
    expect(copy).toStrictEqual({ a: [new Date(0)], m: new Map([[1, 2]]) });
  });

  it('keeps own keys named __proto__ as data', () => {
    const copy = cloneValue(JSON.parse('{"__proto__":{"a":1}}')) as object;
    expect(Object.keys(copy)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  });

  it('takes one object in two positions, which is no cycle', () => {
    const part = { a: 1 };
    expect(cloneValue([part, part])).toEqual([{ a: 1 }, { a: 1 }]);
  });

  it('takes 500 levels and refuses 501', () => {
    expect(cloneValue(nested(500))).toStrictEqual(nested(500));
    expect(refusal(nested(501)).reason).toContain('more than 500 levels');
  });

  it.each<[string, unknown, string, string]>([
    ['a function', { a: [1, () => 1] }, 'field.a[1]', 'is a function'],
    ['a symbol', [Symbol('s')], 'field[0]', 'is a symbol'],
    ['a class instance', { a: new Celsius() }, 'field.a', 'is an instance of Celsius'],
    ['a regular expression', /x/, 'field', 'is an instance of RegExp'],
    ['an error', new Error('x'), 'field', 'is an instance of Error'],
    ['a boxed number', Object(1), 'field', 'is an instance of Number'],
    ['another typed array', new Float64Array(1), 'field', 'is an instance of Float64Array'],
    ['a function as the key of a Map', new Map([[() => 1, 1]]), 'field.keys()', 'is a function'],
    ['a function as a value of a Map', new Map([[1, () => 1]]), 'field.get()', 'is a function'],
    ['a function in a Set', new Set([() => 1]), 'field.values()', 'is a function'],
  ])('refuses %s, with the path to it', (_, value, path, reason) => {
    expect(refusal(value)).toMatchObject({ path, reason });
  });

  it('refuses a cycle through any kind of container', () => {
    const list: unknown[] = [];
    list.push(list);
    const map = new Map<string, unknown>();
    map.set('self', { map });
    const set = new Set<unknown>();
    set.add([set]);
    for (const cycle of [list, map, set]) expect(refusal(cycle).reason).toContain('cycle');
  });
});
