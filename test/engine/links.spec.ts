// A child of several parents is one object with as many links, and each link is compared. An address on two interfaces, say.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, Diff, DiffSyncFlags, DiffSyncModel, type BaseStore, type DiffOptions } from '../../src/index.js';
import { Warnings } from '../fixtures/inventory.js';
import { elementsWithParents } from '../support/random-trees.js';
import { engineStores } from '../support/stores.js';

const calls: string[] = [];

class Ip extends DiffSyncModel.define({
  name: 'ip',
  schema: z.object({ address: z.string(), dns: z.string().optional() }),
  identifiers: ['address'],
  attributes: ['dns'],
}) {
  static override create(context: Parameters<(typeof DiffSyncModel)['create']>[0]) {
    calls.push(`create ${String(context.ids['address'])}`);
    return super.create(context as never);
  }

  override update(attrs: { dns?: string | undefined }) {
    calls.push(`update ${this.address} to ${attrs.dns}`);
    return super.update(attrs);
  }

  override delete() {
    calls.push(`delete ${this.address}`);
    return super.delete();
  }
}

class Interface extends DiffSyncModel.define({
  name: 'interface',
  schema: z.object({ name: z.string(), ips: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  children: { ip: 'ips' },
}) {
  override async linkChild(child: DiffSyncModel) {
    calls.push(`link ${this.name} ${child.getUniqueId()}`);
  }

  override async unlinkChild(child: DiffSyncModel) {
    calls.push(`unlink ${this.name} ${child.getUniqueId()}`);
  }
}

class Inventory extends Adapter {
  static override readonly models = [Interface, Ip];
  static override readonly topLevel = ['interface'];
}

/** Interface -> the addresses that it lists; the attribute of all addresses. */
interface Lists {
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly dns?: string;
  /** Addresses that no interface lists. */
  readonly unlisted?: readonly string[];
}

interface Case {
  readonly title: string;
  readonly source: Lists;
  readonly target: Lists;
  /** The elements with an action, as `create link ip 1 below e0`. */
  readonly changes: readonly string[];
  readonly text: string;
  readonly calls: readonly string[];
}

const both = { e0: ['1'], e1: ['1'] };
const cases: readonly Case[] = [
  {
    title: 'listed twice in the target, gone in the source: the link and the object are deleted',
    source: { lists: { e0: [], e1: [] } },
    target: { lists: both },
    changes: ['delete ip 1 below e0', 'delete link ip 1 below e1'],
    text: `interface
  interface: e0
    ip
      ip: 1 MISSING in source
  interface: e1
    ip
      ip: 1 (link) MISSING in source`,
    calls: ['unlink e1 1', 'delete 1'],
  },
  {
    title: 'listed twice in the target, once in the source: the other link is deleted',
    source: { lists: { e0: [], e1: ['1'] } },
    target: { lists: both },
    changes: ['delete link ip 1 below e0'],
    text: `interface
  interface: e0
    ip
      ip: 1 (link) MISSING in source`,
    calls: ['unlink e0 1'],
  },
  {
    title: 'listed twice in the source, once in the target: the other link is created',
    source: { lists: both },
    target: { lists: { e0: [], e1: ['1'] } },
    changes: ['create link ip 1 below e0'],
    text: `interface
  interface: e0
    ip
      ip: 1 (link) MISSING in target`,
    calls: ['link e0 1'],
  },
  {
    title: 'listed twice in the source, not there in the target: one object and one more link are created',
    source: { lists: both },
    target: { lists: { e0: [], e1: [] } },
    changes: ['create ip 1 below e0', 'create link ip 1 below e1'],
    text: `interface
  interface: e0
    ip
      ip: 1 MISSING in target
  interface: e1
    ip
      ip: 1 (link) MISSING in target`,
    calls: ['create 1', 'link e1 1'],
  },
  {
    title: 'listed by other parents on each side: links alone change, and the object once',
    source: { lists: { e0: ['1'], e1: ['1'], e2: [], e3: [] }, dns: 'new' },
    target: { lists: { e0: [], e1: [], e2: ['1'], e3: ['1'] }, dns: 'old' },
    changes: [
      'create link ip 1 below e0',
      'create link ip 1 below e1',
      'delete link ip 1 below e2',
      'delete link ip 1 below e3',
      'update ip 1 below e0',
    ],
    text: `interface
  interface: e0
    ip
      ip: 1
        dns    source(new)    target(old)
      ip: 1 (link) MISSING in target
  interface: e1
    ip
      ip: 1 (link) MISSING in target
  interface: e2
    ip
      ip: 1 (link) MISSING in source
  interface: e3
    ip
      ip: 1 (link) MISSING in source`,
    calls: ['link e0 1', 'link e1 1', 'unlink e2 1', 'unlink e3 1', 'update 1 to new'],
  },
  {
    title: 'moved from its only parent to another: a delete and a create',
    source: { lists: { e0: [], e1: ['1'] } },
    target: { lists: { e0: ['1'], e1: [] } },
    changes: ['create ip 1 below e1', 'delete ip 1 below e0'],
    text: `interface
  interface: e0
    ip
      ip: 1 MISSING in source
  interface: e1
    ip
      ip: 1 MISSING in target`,
    calls: ['delete 1', 'create 1'],
  },
  {
    title: 'stored in the target, and listed by no parent of it: linked and updated',
    source: { lists: { e0: ['1'] }, dns: 'new' },
    target: { lists: { e0: [] }, dns: 'old', unlisted: ['1'] },
    changes: ['create link ip 1 below e0', 'update ip 1 below e0'],
    text: `interface
  interface: e0
    ip
      ip: 1
        dns    source(new)    target(old)
      ip: 1 (link) MISSING in target`,
    calls: ['link e0 1', 'update 1 to new'],
  },
  {
    title: 'listed in another order: no difference',
    source: { lists: { e0: ['1', '2'], e1: ['2', '1'] } },
    target: { lists: { e0: ['2', '1'], e1: ['1', '2'] } },
    changes: [],
    text: '(no diffs)',
    calls: [],
  },
  {
    title: 'listed again by one parent: counts once',
    source: { lists: { e0: ['1', '1'], e1: ['1'] } },
    target: { lists: { e0: ['1'], e1: ['1', '1'] } },
    changes: [],
    text: '(no diffs)',
    calls: [],
  },
];

async function plant(adapter: Inventory, { lists, dns, unlisted = [] }: Lists): Promise<void> {
  const addresses = new Set([...Object.values(lists).flat(), ...unlisted]);
  await adapter.addMany([
    ...Object.entries(lists).map(([name, ips]) => new Interface({ name, ips: [...ips] })),
    ...[...addresses].map((address) => new Ip({ address, dns })),
  ]);
}

async function listsOf(adapter: Adapter): Promise<Record<string, string[]>> {
  const interfaces = await adapter.getAll(Interface);
  return Object.fromEntries(interfaces.map(({ name, ips }) => [name, [...new Set(ips)].toSorted()]));
}

function changesOf(diff: Diff): string[] {
  return elementsWithParents(diff)
    .filter(({ element }) => element.action !== null)
    .map(({ element: { type, name, action, linkOnly }, parent }) => {
      const where = parent === undefined ? '' : ` below ${parent.name}`;
      return `${action} ${linkOnly ? 'link ' : ''}${type} ${name}${where}`;
    })
    .toSorted();
}

describe.each(engineStores)('links of children on the $name store', ({ open, close }) => {
  async function withSides(
    { source, target }: Pick<Case, 'source' | 'target'>,
    work: (from: Inventory, to: Inventory, warnings: Warnings) => Promise<void>,
  ): Promise<void> {
    const opened: BaseStore[] = [];
    try {
      for (let side = 0; side < 2; side++) opened.push(await open());
      const [here, there] = opened as [BaseStore, BaseStore];
      const warnings = new Warnings();
      const from = new Inventory({ name: 'source', store: here });
      const to = new Inventory({ name: 'target', store: there, logger: warnings });
      await plant(from, source);
      await plant(to, target);
      calls.length = 0;
      await work(from, to, warnings);
    } finally {
      for (const store of opened) await close(store);
    }
  }

  it.each(cases.map((each) => [each.title, each] as const))('%s', async (_title, each) => {
    await withSides(each, async (from, to, warnings) => {
      const diff = await to.diffFrom(from);
      expect(changesOf(diff)).toEqual(each.changes);
      expect(diff.toString()).toBe(each.text);
      const { create, update, delete: gone, skip } = diff.summary();
      const count = (action: string): number => each.changes.filter((change) => change.startsWith(action)).length;
      expect({ create, update, gone }).toEqual({
        create: count('create'),
        update: count('update'),
        gone: count('delete'),
      });
      // An id that is listed again counts as an object that was looked at, as in the reference.
      expect(skip).toBe(each.title.startsWith('listed again') ? 1 : 0);
      expect([diff.unlisted, warnings.lines]).toEqual([{}, []]);

      const plan = Diff.fromJSON(JSON.parse(JSON.stringify(diff)), { target: to });
      expect([changesOf(plan), plan.toString()]).toEqual([each.changes, each.text]);
      expect((await to.syncFrom(from, { diff: plan, verify: true })).unsettled).toBeUndefined();
      expect(await listsOf(to)).toEqual(await listsOf(from));
      const shown = async (adapter: Adapter): Promise<string[]> =>
        (await adapter.getAll(Ip)).map(({ address, dns }) => `${address} ${dns}`).toSorted();
      expect(await shown(to)).toEqual(await shown(from));
      expect([...calls].toSorted()).toEqual([...each.calls].toSorted());
      expect((await to.diffFrom(from)).hasDiffs()).toBe(false);
      expect((await to.store.verify()).problems).toEqual([]);
    });
  });

  it('a child goes from its last parent before it is deleted, and is created before it has a second one', async () => {
    const gone = cases[0] as Case;
    await withSides(gone, async (from, to) => {
      await to.syncFrom(from);
      expect(calls).toEqual(['unlink e1 1', 'delete 1']);
    });
    const created = cases[3] as Case;
    await withSides(created, async (from, to) => {
      await to.syncFrom(from);
      expect(calls).toEqual(['create 1', 'link e1 1']);
    });
  });

  it.each<[string, DiffOptions, string[]]>([
    ['SKIP_UNMATCHED_SRC', { flags: DiffSyncFlags.SKIP_UNMATCHED_SRC }, ['delete link ip 1 below e2']],
    ['SKIP_UNMATCHED_DST', { flags: DiffSyncFlags.SKIP_UNMATCHED_DST }, ['create link ip 1 below e0']],
    ['a filter of addresses', { filters: { ip: () => false } }, []],
    ['modelTypes without addresses', { modelTypes: ['interface'] }, []],
  ])('%s leaves links out', async (_title, options, changes) => {
    const sides = {
      source: { lists: { e0: ['1'], e1: ['1'], e2: [] } },
      target: { lists: { e0: [], e1: ['1'], e2: ['1'] } },
    };
    await withSides(sides, async (from, to) => {
      expect(changesOf(await to.diffFrom(from, options))).toEqual(changes);
      await to.syncFrom(from, options);
      expect((await to.diffFrom(from, options)).hasDiffs()).toBe(false);
    });
  });

  it('maxDeletes counts neither links nor moves', async () => {
    const sides = {
      source: { lists: { e0: ['1'], e1: [], e2: ['2'] } },
      target: { lists: { e0: ['1'], e1: ['1', '2'], e2: [] } },
    };
    await withSides(sides, async (from, to) => {
      await to.syncFrom(from, { maxDeletes: 0 });
      expect(await listsOf(to)).toEqual(sides.source.lists);
    });
  });
});
