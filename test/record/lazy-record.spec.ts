import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { DiffSyncModel, DiffSyncModelFlags, ValueError } from '../../src/index.js';
import { LazyRecord, toLazyRecord } from '../../src/record/lazy-record.js';
import { encodeRecord } from '../../src/record/record-codec.js';
import { toEncodedRecord } from '../../src/record/encoded-record.js';

class Thing extends DiffSyncModel.define({
  name: 'thing',
  schema: z.object({ name: z.string(), value: z.unknown() }),
  identifiers: ['name'],
  attributes: ['value'],
}) {}

const thing = (value: unknown, name = 'a'): Thing => Thing.hydrate({ name, value });
const MOST = 1000;

describe('toLazyRecord()', () => {
  it.each<[string, unknown]>([
    ['a text', 'text "quoted" \u0000 é'],
    ['a number', 1.5],
    ['-0', -0],
    ['NaN', NaN],
    ['true', true],
    ['null', null],
    ['a list', ['a', 1, false, null, -Infinity]],
    ['an empty list', []],
  ])('encodes %s when it is asked for', (_, value) => {
    const obj = thing(value);
    const record = toLazyRecord(obj, MOST);
    expect(record).toBeInstanceOf(LazyRecord);
    expect([record.uid, encodeRecord(record)]).toEqual(['a', encodeRecord(toEncodedRecord(obj))]);
    expect(record.data).toEqual({ name: 'a', value });
    obj.value = 'later';
    expect(encodeRecord(record)).toContain('later');
  });

  it.each<[string, unknown]>([
    ['a date', new Date(0)],
    ['undefined', undefined],
    ['a bigint', 1n],
    ['an object', { a: 1 }],
    ['a list of lists', [['a']]],
    ['a text that may be too large', 'x'.repeat(MOST / 5)],
    ['a list that may be too large', Array.from({ length: MOST / 50 }, () => 'x')],
  ])('encodes %s at once', (_, value) => {
    const obj = thing(value);
    const record = toLazyRecord(obj, MOST);
    const text = encodeRecord(toEncodedRecord(obj));
    obj.value = 'later';
    expect([record instanceof LazyRecord, encodeRecord(record)]).toEqual([false, text]);
  });

  it('encodes an object with flags of its own at once', () => {
    const obj = thing('a');
    obj.modelFlags = DiffSyncModelFlags.IGNORE;
    expect(toLazyRecord(obj, MOST).flags).toBe(DiffSyncModelFlags.IGNORE);
  });

  it.each<[string, Thing, RegExp]>([
    ['a function', thing(() => 1), /thing "a": the value of value is a function/],
    ['a text that is too large', thing('x'.repeat(MOST)), /thing "a": it takes \d+ bytes, and maxObjectBytes is 1000/],
    ['a unique id that is none', thing('', '\uD800'), /surrogate/],
  ])('refuses %s', (_, obj, message) => {
    expect(() => toLazyRecord(obj, MOST)).toThrow(ValueError);
    expect(() => toLazyRecord(obj, MOST)).toThrow(message);
  });

  it('refuses an object that became another one', () => {
    const obj = thing('value');
    const record = toLazyRecord(obj, MOST);
    Object.assign(obj, { name: 'b' });
    expect(() => encodeRecord(record)).toThrow(/thing "a" became "b" while it was about to be stored/);
  });
});
