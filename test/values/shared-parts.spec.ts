import { randomInt } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { z } from 'zod';
import { Diff, DiffElement, DiffSyncModel, LocalStore } from '../../src/index.js';
import { toEncodedRecord } from '../../src/record/encoded-record.js';
import { toRecord } from '../../src/record/model-record.js';
import { cloneValue } from '../../src/values/clone.js';
import { isDeepEqual } from '../../src/values/deep-equal.js';
import { canonicalJson, toExtendedJson } from '../../src/values/extended-json.js';
import { hasTooManyParts } from '../../src/values/shared-parts.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), config: z.any() }),
  identifiers: ['name'],
  attributes: ['config'],
}) {}

/** So many levels of one part that is reached in two ways each: 2^levels parts when written out. */
function doubled(levels: number, join: (part: unknown) => unknown = (part) => ({ a: part, b: part })): unknown {
  let value: unknown = { leaf: 'x' };
  for (let at = 0; at < levels; at++) value = join(value);
  return value;
}

const WAYS: Record<string, (part: unknown) => unknown> = {
  'an object': (part) => ({ a: part, b: part }),
  'a list': (part) => [part, part],
  'a Map': (part) =>
    new Map([
      ['a', part],
      ['b', part],
    ]),
  'a Set': (part) => new Set([[part], [part]]),
};

describe.each(Object.entries(WAYS))('A part that %s holds twice at each of 200 levels', (_, join) => {
  const value = doubled(200, join);

  it('is refused by a copy and by a record before it is copied', () => {
    expect(() => cloneValue(value, 'field')).toThrow(/^field holds the same parts so many times over/);
    const device = new Device({ name: 'd', config: 1 });
    device.config = value;
    expect(() => toEncodedRecord(device)).toThrow(/the value of config holds the same parts/);
  });

  it('is refused by JSON, and by the plan of an element on which it was set, before it is written', () => {
    for (const write of [canonicalJson, toExtendedJson])
      expect(() => write({ config: value })).toThrow(/^a value holds the same parts so many times over/);
    const diff = new Diff();
    const element = new DiffElement('device', 'd', { name: 'd' });
    element.addAttrs({ source: { config: value } });
    diff.add(element);
    const refused = { code: 'VALUE_ERROR', message: expect.stringMatching(/^device "d" of the diff: a value holds/) };
    for (const call of [() => diff.toJSON(), () => diff.fingerprint(), () => [...diff.toJSONLines()]])
      expect(call).toThrow(expect.objectContaining(refused));
  });

  it('is not written out in the text of a diff', () => {
    const element = new DiffElement('device', 'd', { name: 'd' });
    element.addAttrs({ source: { config: value }, dest: { config: 1 } });
    expect(element.toString()).toContain('source((holds the same parts so many times over');
    expect(element.toString().length).toBeLessThan(300);
  });

  it('is equal to another such value', () => {
    expect(isDeepEqual(value, doubled(200, join))).toBe(true);
    expect(isDeepEqual(value, doubled(199, join))).toBe(false);
  });
});

describe('hasTooManyParts()', () => {
  const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));

  it(`says of a value with shared parts what a walk of all of them says (seed ${seed})`, () => {
    const walk = (value: unknown): number =>
      1 +
      (typeof value === 'object' && value !== null
        ? Object.values(value).reduce<number>((sum, each) => sum + walk(each), 0)
        : 0);
    // Each step makes a list of earlier values, so that they are shared.
    const steps = fc.array(fc.array(fc.nat(30), { maxLength: 3 }), { minLength: 1, maxLength: 8 });
    const check = (lists: readonly (readonly number[])[], most: number): void => {
      const values: unknown[] = [0];
      for (const list of lists) values.push(list.map((at) => values[at % values.length]));
      const value = values.at(-1);
      const seen = new Set<object>();
      let shared = false;
      const look = (part: unknown): void => {
        if (typeof part !== 'object' || part === null) return;
        if (seen.has(part)) shared ||= Object.keys(part).length > 0;
        else {
          seen.add(part);
          Object.values(part).forEach(look);
        }
      };
      look(value);
      expect(hasTooManyParts(value, most)).toBe(shared && walk(value) > Math.max(most, countInMemory(seen)));
    };
    const countInMemory = (seen: ReadonlySet<object>): number =>
      [...seen].reduce((sum, each) => sum + Object.keys(each).length, 1);
    fc.assert(fc.property(steps, fc.nat(60), check), { numRuns: 300, seed });
  });

  it('takes any number of parts that are each held once', () => {
    expect(
      hasTooManyParts(
        Array.from({ length: 20_000 }, (_, at) => ({ at })),
        10,
      ),
    ).toBe(false);
  });
});

describe('A part that 300 fields hold', () => {
  const part = doubled(11);
  const device = new Device({ name: 'd', config: part });
  for (let at = 0; at < 299; at++) Object.assign(device, { [`field${at}`]: part });

  it.each([toRecord, toEncodedRecord])(
    'is refused by $name as a part of the whole object, before it is copied',
    (make) => {
      expect(() => make(device, 1_000_000)).toThrow(/the value of \w+ holds the same parts/);
    },
  );
});

describe('A store', () => {
  it('refuses a value whose shared parts are above maxObjectBytes, and takes one below it', async () => {
    const store = new LocalStore({ maxObjectBytes: 1_000_000 });
    const add = (levels: number): Promise<void> =>
      store.add({ obj: new Device({ name: `${levels}`, config: doubled(levels) }) });
    await add(14);
    await expect(add(40)).rejects.toMatchObject({ code: 'VALUE_ERROR' });
    expect(await store.count()).toBe(1);
  });

  it('refuses a long text that a value holds many times without writing it out', async () => {
    const text = 'x'.repeat(100_000);
    const config = Array.from({ length: 100_000 }, () => [text]);
    const added = new LocalStore().add({ obj: new Device({ name: 'd', config }) });
    await expect(added).rejects.toThrow('it takes more than 67108864 bytes, and maxObjectBytes is 16777216');
  });
});
