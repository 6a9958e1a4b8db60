import { randomInt } from 'node:crypto';
import { type } from 'arktype';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import * as v from 'valibot';
import { z } from 'zod';
import { Adapter, DiffSyncModel, LocalStore, ObjectAlreadyExists, type DefinedModel } from '../../src/index.js';
import { ChildIndex } from '../../src/model/child-index.js';
import { sized } from '../support/full.js';

class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

const port = (name: string): Port => new Port({ name });
const options = { name: 'site', identifiers: ['name'], children: { port: 'ports' } } as const;
const shared: string[] = [];

class Site extends DiffSyncModel.define({
  ...options,
  schema: z.object({ name: z.string(), ports: z.array(z.string()) }),
}) {}

/** Each hands out a list that is not the object's own. */
const SHARING = {
  'a list that arktype returns as it was': DiffSyncModel.define({
    ...options,
    schema: type({ name: 'string', ports: 'string[]' }),
  }),
  "zod's any": DiffSyncModel.define({ ...options, schema: z.object({ name: z.string(), ports: z.any() }) }),
  "one default of valibot's": DiffSyncModel.define({
    ...options,
    schema: v.object({ name: v.string(), ports: v.optional(v.array(v.string()), shared) }),
  }),
} as unknown as Record<string, DefinedModel<'site', typeof Site.definition.schema, 'name'>>;

describe.each(Object.entries(SHARING))('over %s, a child list', (_, Model) => {
  class Shared extends Model {}
  class WithField extends Model {
    note = '';
  }

  it.each([Shared, WithField])('is each object’s own (%#)', async (Class) => {
    const ports: string[] = [];
    const make = [
      (name: string) => new Class({ name, ports }),
      (name: string) => Class.parse({ name, ports }),
      (name: string) => Class.hydrate({ name, ports }),
      (name: string) => new Class({ name } as never),
    ];
    for (const create of make) {
      const created = (name: string) => Promise.resolve().then(() => create(name));
      const outcomes = await Promise.allSettled([created('one'), created('two')]);
      const [one, two] = outcomes.map((each) => (each.status === 'fulfilled' ? each.value : undefined));
      if (one === undefined || two === undefined) continue; // The schema has no default.
      one.addChild(port('p1'));
      expect(one.ports).toEqual(['p1']);
      expect(two.ports ?? []).toEqual([]);
      two.addChild(port('p2'));
      expect([one.ports, two.ports]).toEqual([['p1'], ['p2']]);
    }
    expect([ports, shared]).toEqual([[], []]);
  });
});

describe('hasChild(), addChild() and removeChild()', () => {
  it('see a list that was changed in place to the same length', () => {
    const site = new Site({ name: 's', ports: ['a', 'b'] });
    expect(site.hasChild(port('a'))).toBe(true);
    site.ports[0] = 'c';
    expect([site.hasChild(port('c')), site.hasChild(port('a'))]).toEqual([true, false]);
    expect(() => site.addChild(port('c'))).toThrow(ObjectAlreadyExists);
    site.ports.reverse();
    site.removeChild(port('c'));
    expect(site.ports).toEqual(['b']);
  });

  it('take a unique id that is listed twice for one child', () => {
    const site = new Site({ name: 's', ports: ['a', 'b', 'a', 'c', 'a'] });
    site.removeChild(port('a'));
    expect(site.ports).toEqual(['b', 'c']);
    expect(site.hasChild(port('a'))).toBe(false);
    site.addChild(port('a'));
    expect(site.ports).toEqual(['b', 'c', 'a']);
  });

  it('save the links of an object of an adapter', async () => {
    class Inventory extends Adapter {
      static override readonly models = [Site, Port];
      static override readonly topLevel = ['site'];
    }
    const inventory = new Inventory({ store: new LocalStore() });
    const site = new Site({ name: 's', ports: ['a'] });
    await inventory.add(site);
    site.addChild(port('b'));
    site.removeChild(port('a'));
    expect((await inventory.get(Site, 's')).ports).toEqual(['b']);
  });
});

describe('ChildIndex', () => {
  const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));

  it(`says what the list says, however other code changes it (seed ${seed})`, () => {
    const uid = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('has' as const, 'add' as const, 'remove' as const), uid, at: fc.nat(9) }),
      fc.record({ do: fc.constantFrom('set' as const, 'push' as const, 'reverse' as const), uid, at: fc.nat(9) }),
    );
    const run = (list: string[], steps: readonly { do: string; uid: string; at: number }[]): void => {
      const index = new ChildIndex(list);
      for (const { do: action, uid: one, at } of steps) {
        if (action === 'set' && list.length > 0) list[at % list.length] = one;
        if (action === 'push') list.push(one);
        if (action === 'reverse') list.reverse();
        const has = index.has(one);
        expect(has).toBe(list.includes(one));
        if (action === 'add' && !has) index.add(one);
        if (action === 'remove' && has) {
          const left = list.filter((each) => each !== one);
          index.remove(one);
          expect(list).toEqual(left);
        }
      }
    };
    fc.assert(fc.property(fc.array(uid, { maxLength: 6 }), fc.array(step, { maxLength: 30 }), run), {
      numRuns: sized(1000, 500),
      seed,
    });
  });

  it(`takes out of a long list what it is asked to, repeated or not (seed ${seed})`, () => {
    const run = (picks: readonly number[], repeats: number): void => {
      const list = Array.from({ length: 200 }, (_, at) => `p${at % repeats}`);
      const index = new ChildIndex(list);
      let expected = [...list];
      for (const pick of picks) {
        const uid = `p${pick}`;
        expect(index.has(uid)).toBe(expected.includes(uid));
        if (index.has(uid)) index.remove(uid);
        else index.add(uid);
        expected = expected.includes(uid) ? expected.filter((each) => each !== uid) : [...expected, uid];
        expect(list).toEqual(expected);
      }
    };
    const picks = fc.array(fc.nat(130), { maxLength: 150 });
    fc.assert(fc.property(picks, fc.integer({ min: 60, max: 200 }), run), { numRuns: 50, seed });
  });

  it(`has nothing of what leaves a long list, which loses it in the end (seed ${seed})`, () => {
    const action = fc.constantFrom(
      'later' as const,
      'later' as const,
      'remove' as const,
      'add' as const,
      'settle' as const,
    );
    const steps = fc.array(fc.tuple(action, fc.nat(120)), { maxLength: 150 });
    const run = (
      picks: readonly (readonly ['later' | 'remove' | 'add' | 'settle', number])[],
      repeats: number,
    ): void => {
      const list = Array.from({ length: 200 }, (_, at) => `p${at % repeats}`);
      const index = new ChildIndex(list);
      let expected = [...list];
      for (const [what, pick] of picks) {
        const uid = `p${pick}`;
        const has = index.has(uid);
        expect(has).toBe(expected.includes(uid));
        if (what === 'settle') index.settle();
        else if (what === 'add' && !has) {
          index.add(uid);
          expected.push(uid);
        } else if (what !== 'add' && has) {
          if (what === 'later') index.removeLater(uid);
          else index.remove(uid);
          expected = expected.filter((each) => each !== uid);
        }
        expect(list.length).toBeLessThanOrEqual(expected.length * 1.5 + 8);
      }
      index.settle();
      expect(list).toEqual(expected);
    };
    fc.assert(fc.property(steps, fc.integer({ min: 60, max: 200 }), run), { numRuns: 100, seed });
  });

  it('looks at no more than four hundred unique ids a call on average, while a list loses its own in any order', () => {
    let looks = 0;
    const target = Array.from({ length: 4000 }, (_, at) => `p${at % 3000}`);
    const list = new Proxy(target, {
      get: (of, key, receiver) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) looks++;
        // The splice of a Proxy would move item by item.
        return key === 'splice' ? of.splice.bind(of) : (Reflect.get(of, key, receiver) as unknown);
      },
    });
    const index = new ChildIndex(list);
    for (let at = 0; at < 3000; at++) if (index.has(`p${(at * 7) % 3000}`)) index.remove(`p${(at * 7) % 3000}`);
    expect(target).toEqual([]);
    expect(looks).toBeLessThan(3000 * 400);
  });

  it('of a long list looks up each positive answer, and once per length/50 calls', () => {
    const list = Array.from({ length: 5000 }, (_, at) => `p${at}`);
    const index = new ChildIndex(list);
    list[7] = 'other';
    expect(index.has('p7')).toBe(false);
    list[8] = 'another';
    const answers = Array.from({ length: 101 }, () => index.has('another'));
    expect(answers.at(-1)).toBe(true);
    expect(answers.indexOf(true)).toBeLessThanOrEqual(100);
  });

  it('looks at no more than fifty unique ids a call on average, while a list grows', () => {
    let looks = 0;
    const target: string[] = [];
    const list = new Proxy(target, {
      get: (of, key, receiver) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) looks++;
        return Reflect.get(of, key, receiver) as unknown;
      },
    });
    const index = new ChildIndex(list);
    for (let at = 0; at < 3000; at++) {
      if (!index.has(`p${at}`)) index.add(`p${at}`);
    }
    expect(target.length).toBe(3000);
    expect(looks).toBeLessThan(3000 * 70);
  });
});
