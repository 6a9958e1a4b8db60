import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, DiffSyncModel, DiffSyncModelFlags, type Diff, type SyncOptions } from '../../../src/index.js';
import { Warnings } from '../../fixtures/inventory.js';
import { engineStores } from '../../support/stores.js';

/** Ports list addresses; a port may be left out of a comparison, or go with all that is below it. */

const list = z.array(z.string()).default(() => []);
let failing: string | undefined;

class Ip extends DiffSyncModel.define({ name: 'ip', schema: z.object({ name: z.string() }), identifiers: ['name'] }) {}

class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string(), ips: list }),
  identifiers: ['name'],
  children: { ip: 'ips' },
}) {
  override async unlinkChild(): Promise<void> {
    if (this.name === failing) throw new Error('in use');
  }
}

class Ports extends Adapter {
  static override readonly models = [Port, Ip];
  static override readonly topLevel = ['port'];
}

type Content = Readonly<Record<string, readonly string[]>>;

async function fill(adapter: Ports, content: Content, flags: Readonly<Record<string, DiffSyncModelFlags>> = {}) {
  const ports = Object.entries(content).map(([name, ips]) => {
    const port = new Port({ name, ips: [...ips] });
    port.modelFlags = flags[name] ?? DiffSyncModelFlags.NONE;
    return port;
  });
  const ips = [...new Set(Object.values(content).flat())].map((name) => new Ip({ name }));
  await adapter.addMany([...ports, ...ips]);
  return adapter;
}

/** Every port with the addresses that it lists, and all addresses that are stored. */
async function shown(adapter: Ports): Promise<{ ports: Record<string, string[]>; ips: string[] }> {
  const ports = await adapter.getAll(Port);
  return {
    ports: Object.fromEntries(ports.map(({ name, ips }) => [name, [...ips]])),
    ips: (await adapter.getAll(Ip)).map(({ name }) => name),
  };
}

const { SKIP_CHILDREN_ON_DELETE, IGNORE } = DiffSyncModelFlags;

describe.each(engineStores)(
  'what a parent lists that the sync does not touch, on the $name store',
  ({ open, close }) => {
    async function sync(
      source: Content,
      target: Content,
      flags: Readonly<Record<string, DiffSyncModelFlags>>,
      options: SyncOptions = {},
      select: (diff: Diff) => Diff = (diff) => diff,
    ) {
      const store = await open();
      try {
        const from = await fill(new Ports({ name: 'source' }), source);
        const to = await fill(new Ports({ name: 'target', store, logger: new Warnings() }), target, flags);
        await to.syncFrom(from, { ...options, diff: select(await to.diffFrom(from, options)) });
        await to.diffFrom(from); // A list that names what is gone would end it.
        return await shown(to);
      } finally {
        failing = undefined;
        await close(store);
      }
    }

    it.each<[string, SyncOptions, (diff: Diff) => Diff]>([
      ['with its links excluded', {}, (diff) => diff.exclude({ modelTypes: ['ip'] })],
      ['with its model out of scope', { modelTypes: ['port'] }, (diff) => diff],
      ['with its links refused by syncFilter', { syncFilter: (_, model) => model !== 'ip' }, (diff) => diff],
    ])('stays when another parent goes with SKIP_CHILDREN_ON_DELETE, %s', async (_title, options, select) => {
      const found = await sync(
        { p1: ['a'] },
        { p1: ['a'], p2: ['a', 'b'] },
        { p2: SKIP_CHILDREN_ON_DELETE },
        options,
        select,
      );
      expect(found).toEqual({ ports: { p1: ['a'] }, ips: ['a'] });
    });

    it('stays when the parent is ignored and the source does not have the child', async () => {
      const found = await sync({ p1: [] }, { p1: ['a', 'b'], p2: ['a'] }, { p2: IGNORE });
      expect(found).toEqual({ ports: { p1: [], p2: ['a'] }, ips: ['a'] });
    });

    it('stays when the parent refuses to unlink it, and goes with the next sync', async () => {
      failing = 'p2';
      const target = { p1: ['a'], p2: ['a'] };
      const found = await sync({ p1: [], p2: [] }, target, {}, { continueOnFailure: true });
      expect(found.ips).toEqual(['a']);
      expect(found.ports['p2']).toEqual(['a']);
      expect(await sync({ p1: [], p2: [] }, target, {})).toEqual({ ports: { p1: [], p2: [] }, ips: [] });
    });
  },
);

describe.each(engineStores)('an object that the source does not have, on the $name store', ({ open, close }) => {
  const calls: string[] = [];
  class Address extends Ip {}
  class Slot extends DiffSyncModel.define({
    name: 'slot',
    schema: z.object({ name: z.string(), ips: list }),
    identifiers: ['name'],
    children: { ip: 'ips' },
  }) {
    override async unlinkChild(child: DiffSyncModel): Promise<void> {
      calls.push(`unlink ${this.name} > ${child.getUniqueId()}`);
    }
  }
  class Card extends DiffSyncModel.define({
    name: 'card',
    schema: z.object({ name: z.string(), slots: list }),
    identifiers: ['name'],
    children: { slot: 'slots' },
  }) {}
  class Cards extends Adapter {
    static override readonly models = [Card, Slot, Address, Port];
    static override readonly topLevel = ['card'];
  }
  class CardsAndPorts extends Cards {
    static override readonly topLevel = ['card', 'port'];
  }

  it.each([
    ['an unlisted parent', Cards, new Slot({ name: 'gone', ips: ['a'] })],
    ['a parent of a model that is top-level on one side alone', CardsAndPorts, new Port({ name: 'p', ips: ['a'] })],
  ])('stays with its link to %s, and loses the others', async (_title, Target, hidden) => {
    const store = await open();
    calls.length = 0;
    try {
      const from = new Cards({ name: 'source' });
      await from.addMany([new Card({ name: 'c', slots: ['s'] }), new Slot({ name: 's' })]);
      const warnings = new Warnings();
      const to = new Target({ name: 'target', store, logger: warnings });
      await to.addMany([
        new Card({ name: 'c', slots: ['s'] }),
        new Slot({ name: 's', ips: ['a', 'b'] }),
        ...['a', 'b'].map((name) => new Address({ name })),
        hidden,
      ]);
      const diff = await to.syncFrom(from);
      expect((await to.getAll(Ip)).map(({ name }) => name)).toEqual(['a']);
      expect((await to.get(Slot, 's')).ips).toEqual([]);
      expect(calls).toEqual(['unlink s > a']);
      expect(diff.operations.get('ip')?.delete).toEqual(['b']);
      const reason = 'a parent that the comparison has left out lists it';
      expect(warnings.lines).toContain(`ip: Leaving out ip a: ${reason}`);
      expect((await to.store.verify()).counts['dangling-link']).toBe(0);
      expect((await to.diffFrom(from)).hasDiffs()).toBe(false);
    } finally {
      await close(store);
    }
  });
});

describe('a model that is top-level and its own child', () => {
  class Group extends DiffSyncModel.define({
    name: 'group',
    schema: z.object({ name: z.string(), inner: list }),
    identifiers: ['name'],
    children: { group: 'inner' },
  }) {}
  class Groups extends Adapter {
    static override readonly models = [Group];
    static override readonly topLevel = ['group'];
  }
  const make = async (name: string, content: Content): Promise<Groups> => {
    const adapter = new Groups({ name, logger: new Warnings() });
    await adapter.addMany(Object.entries(content).map(([each, inner]) => new Group({ name: each, inner: [...inner] })));
    return adapter;
  };
  const free = { a: [], b: [], x: [] };
  const shared = { a: ['x'], b: ['x'], x: [] };

  it.each([
    ['from the top to below two parents', shared, free, 1],
    ['from the top to below two parents', shared, free, 8],
    ['from two parents to the top', free, shared, 1],
    ['from two parents to the top', free, shared, 8],
    [
      'where the nesting is inverted',
      { s: ['g3'], t: ['g0'], g0: ['g2'], g3: ['g2'], g2: [] },
      { s: ['g3'], u: ['g2'], g2: ['g3'], g3: [] },
      1,
    ],
  ] as [string, Content, Content, number][])('is linked %s (concurrency %#)', async (_title, from, to, concurrency) => {
    const [source, target] = [await make('source', from), await make('target', to)];
    await target.syncFrom(source, { concurrency });
    expect((await target.diffFrom(source)).toString()).toBe('(no diffs)');
    const lists = async (adapter: Groups): Promise<Record<string, string[]>> =>
      Object.fromEntries((await adapter.getAll(Group)).map(({ name, inner }) => [name, inner.toSorted()]));
    expect(await lists(target)).toEqual(await lists(source));
  });
});
