import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeRecord, encodeRecord } from '../../src/index.js';
import { DamagedValue, fromExtendedJson } from '../../src/values/extended-json.js';
import { isDeepEqual } from '../../src/values/deep-equal.js';
import { cloneValue } from '../../src/values/clone.js';

// Whatever text stands where a record is expected: decoding gives a record that the rest may rely on, or a DamagedValue.

const PROTOTYPES = [Object, Array, Map, Set, Date, Uint8Array, String, Number, Function].map(
  ({ prototype }) => prototype as object,
);
const shapeOf = (): unknown => PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype).map(String));

/** Small and repeatable. Source of the algorithm: Marsaglia's xorshift32. */
class Random {
  constructor(private state: number) {}

  below(end: number): number {
    let x = this.state || 1;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return (x >>> 0) % end;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const VALID = [
  { name: 'sw1', role: 'leaf', vlan: 12, tags: ['a', 'b'], interfaces: [] },
  { $diffsync: 'Map', v: [[1, 2]], nested: { $diffsync: 'object' } },
  { at: new Date(0), n: -12n, set: new Set([1, new Map([['k', undefined]])]), bytes: new Uint8Array([0, 255]) },
  { x: [Number.NaN, Infinity, -0, undefined, new Date(Number.NaN)], __proto__: null },
  JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toJSON":1,"then":{}}') as object,
].flatMap((data) =>
  [undefined, 5].map((flags) => encodeRecord({ uid: 'u', data: { ...data }, ...(flags && { flags }) })),
);

const PIECES = [
  ['"$diffsync":', '"\\u0024diffsync":', '"v":', '"__proto__":', '"constructor":', '"prototype":', '"flags":'],
  ['"object"', '"Map"', '"Set"', '"Date"', '"bigint"', '"Uint8Array"', '"number"', '"undefined"', '"RegExp"'],
  ['{', '}', '[', ']', ',', ':', '"', '\\', '\\ud800', '\u0000', '\uFFFD', '-', '0', '1e999', '-0', 'null', 'true'],
  [
    '9'.repeat(400),
    '1'.repeat(5000),
    '"====="',
    '"AA="',
    '"2020-02-30T00:00:00.000Z"',
    '"+275760-09-13T00:00:00.001Z"',
  ],
  ['['.repeat(600), '{"a":'.repeat(600), '{"$diffsync":"Set","v":['.repeat(300), 'function(){}', '${1}', '4294967296'],
].flat();

function hostile(random: Random): string {
  let text = random.of(VALID);
  for (let step = random.below(4) + 1; step > 0; step--) {
    const from = random.below(text.length + 1);
    const to = from + random.below(12);
    switch (random.below(6)) {
      case 0:
        text = text.slice(0, from);
        break;
      case 1:
        text = text.slice(0, from) + text.slice(to);
        break;
      case 2:
        text = text.slice(0, from) + random.of(PIECES) + text.slice(to);
        break;
      case 3:
        text = text.slice(0, from) + text.slice(from, to).repeat(2) + text.slice(to);
        break;
      case 4:
        text = `${text.slice(0, from)}${String.fromCharCode(random.below(0x300))}${text.slice(from + 1)}`;
        break;
      default:
        text = text.replace(/:(?:"[^"]*"|[\d[{])/, () => `:${random.of(PIECES)}`);
    }
  }
  return text;
}

/** A value of JSON that counts each look at its parts. */
function counted(value: unknown, count: () => void): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get: (target, key) => (count(), counted(Reflect.get(target, key), count)),
    getOwnPropertyDescriptor: (target, key) => (count(), Reflect.getOwnPropertyDescriptor(target, key)),
    ownKeys: (target) => {
      const keys = Reflect.ownKeys(target);
      for (const _ of keys) count();
      return keys;
    },
  });
}

function looksAt(value: unknown): number {
  let looks = 0;
  fromExtendedJson(counted(value, () => looks++));
  return looks;
}

describe('decodeRecord() of hostile texts', () => {
  const BATCH = 1000;
  const BATCHES = 110;

  it(`gives a record that can be stored again, or throws DamagedValue without the text (${BATCH * BATCHES} texts)`, () => {
    const before = shapeOf();
    let records = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = new Random(seed);
        for (let at = 0; at < BATCH; at++) {
          const text = hostile(random);
          try {
            const record = decodeRecord('u', text);
            records++;
            // Within the bounds of what is stored, so that no later operation can fail for them.
            const data = cloneValue(record.data, 'data') as Record<string, unknown>;
            const again = encodeRecord({ ...record, data });
            if (!isDeepEqual(decodeRecord('u', again).data, record.data))
              throw new Error(`not the same again: ${text}`);
          } catch (error) {
            if (!(error instanceof DamagedValue)) throw new Error(`for ${JSON.stringify(text)}`, { cause: error });
            if (error.message.length > 150) throw new Error('a long message', { cause: error });
          }
        }
      }),
      { numRuns: BATCHES },
    );
    expect(shapeOf()).toEqual(before);
    expect(records).toBeGreaterThan((BATCH * BATCHES) / 100);
  });

  it('of random JSON with tags and of any text gives a record or throws DamagedValue', () => {
    const before = shapeOf();
    fc.assert(
      fc.property(fc.oneof(fc.json({ maxDepth: 8 }), fc.string({ unit: 'binary' })), (text) => {
        try {
          expect(Object.getPrototypeOf(decodeRecord('u', text).data)).toBe(Object.prototype);
        } catch (error) {
          expect(error).toBeInstanceOf(DamagedValue);
        }
      }),
      { numRuns: 1000 },
    );
    expect(shapeOf()).toEqual(before);
  });

  const nested = (levels: number, open: string, close: string): string =>
    `{"a":${open.repeat(levels)}1${close.repeat(levels)}}`;

  it.each([
    ['lists', '[', ']'],
    ['objects', '{"a":', '}'],
    ['Sets', '{"$diffsync":"Set","v":[', ']}'],
    ['Maps', '{"$diffsync":"Map","v":[[0,', ']]}'],
    ['keys of Maps', '{"$diffsync":"Map","v":[[', ',0]]}'],
    ['tagged objects', '{"$diffsync":"object","v":{"$diffsync":', '}}'],
  ])('takes 500 levels of %s, as a store keeps, and no more', (_, open, close) => {
    const { data } = decodeRecord('u', nested(500, open, close));
    expect(isDeepEqual(cloneValue(data['a'], 'a'), data['a'])).toBe(true);
    for (const levels of [501, 50_000]) {
      expect(() => decodeRecord('u', nested(levels, open, close))).toThrow(DamagedValue);
    }
  });

  it.each([
    ['a bigint of a million digits', `{"$diffsync":"bigint","v":"${'7'.repeat(1_000_000)}"}`],
    ['a bigint of 1,001 digits', `{"$diffsync":"bigint","v":"${'7'.repeat(1001)}"}`],
    ['a date of a million characters', `{"$diffsync":"Date","v":"${'2'.repeat(1_000_000)}"}`],
    ['a date in another form', '{"$diffsync":"Date","v":"Jan 1 2020"}'],
    ['a date that there is not', '{"$diffsync":"Date","v":"2020-02-30T00:00:00.000Z"}'],
    ['bytes that are no base64', '{"$diffsync":"Uint8Array","v":"%%%"}'],
    ['bytes in another form', '{"$diffsync":"Uint8Array","v":"AB"}'],
    ['a kind of a million characters', `{"$diffsync":"${'k'.repeat(1_000_000)}"}`],
  ])('refuses %s, saying nothing of it', (_, value) => {
    const decode = (): unknown => decodeRecord('u', `{"a":${value}}`);
    expect(decode).toThrow(DamagedValue);
    expect(decode).not.toThrow(/7777|2222|kkkk|Jan|%%%/);
  });

  it('converts no text of digits longer than the bound', () => {
    const original = globalThis.BigInt;
    const lengths: number[] = [];
    globalThis.BigInt = new Proxy(original, {
      apply: (target, self, args: [string]) => (lengths.push(args[0].length), Reflect.apply(target, self, args)),
    });
    try {
      for (const digits of [1, 10, 1000, 1001, 10_000, 1_000_000]) {
        const text = `{"a":{"$diffsync":"bigint","v":"-${'7'.repeat(digits)}"}}`;
        if (digits > 1000) expect(() => decodeRecord('u', text)).toThrow(DamagedValue);
        else decodeRecord('u', text);
      }
    } finally {
      globalThis.BigInt = original;
    }
    expect(lengths).toEqual([2, 11, 1001]);
  });

  it.each<[string, (size: number) => unknown]>([
    ['a list', (size) => Array.from({ length: size }, (_, at) => at)],
    ['an object', (size) => Object.fromEntries(Array.from({ length: size }, (_, at) => [`k${at}`, at]))],
    ['a Map', (size) => ({ $diffsync: 'Map', v: Array.from({ length: size }, (_, at) => [at % 7, at]) })],
    ['a Set', (size) => ({ $diffsync: 'Set', v: Array.from({ length: size }, () => ({ $diffsync: 'undefined' })) })],
    [
      'tags in tags',
      (size) => Array.from({ length: size / 10 }, () => ({ $diffsync: 'object', v: { $diffsync: [{}] } })),
    ],
  ])('looks at the parts of %s in proportion to their number', (_, make) => {
    const [small, large] = [looksAt(make(1000)), looksAt(make(16_000))];
    expect(small).toBeGreaterThan(100);
    expect(large / small).toBeLessThan(16.5);
  });
});
