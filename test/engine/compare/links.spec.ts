import { describe, expect, it } from '@jest/globals';
import { Diff, DiffSyncFlags, DiffSyncModelFlags, type DiffElement, type DiffOptions } from '../../../src/index.js';
import { Warnings } from '../../fixtures/inventory.js';
import { Address, Group, Host, Network } from '../../fixtures/network.js';
import { engineStores } from '../../support/stores.js';

/** Parent -> the hosts or addresses that it lists; every object that is named is stored. */
interface Content {
  readonly groups?: Readonly<Record<string, { hosts?: readonly string[]; addresses?: readonly string[] }>>;
  readonly hosts?: Readonly<Record<string, { addresses?: readonly string[]; role?: string }>>;
  readonly addresses?: Readonly<Record<string, string | undefined>>;
}

async function fill(network: Network, { groups = {}, hosts = {}, addresses = {} }: Content): Promise<Network> {
  await network.addMany([
    ...Object.entries(groups).map(
      ([name, lists]) => new Group({ name, hosts: [...(lists.hosts ?? [])], addresses: [...(lists.addresses ?? [])] }),
    ),
    ...Object.entries(hosts).map(
      ([name, { role, addresses: listed = [] }]) => new Host({ name, role, addresses: [...listed] }),
    ),
    ...Object.entries(addresses).map(([name, dns]) => new Address({ name, dns })),
  ]);
  return network;
}

/** Every element that changes something, as `action path`, with "link" for a link alone. */
function changes(diff: Diff): string[] {
  const found: string[] = [];
  const visit = (elements: readonly DiffElement[], path: string): void => {
    for (const element of elements) {
      const here = `${path}/${element.name}`;
      if (element.action !== null) found.push(`${element.action}${element.linkOnly ? ' link' : ''} ${here}`);
      visit(element.getChildren(), here);
    }
  };
  visit(diff.getChildren(), '');
  return found;
}

async function compare(source: Content, target: Content, options: DiffOptions = {}): Promise<Diff> {
  const [from, to] = [new Network({ name: 'source' }), new Network({ name: 'target', logger: new Warnings() })];
  await fill(from, source);
  await fill(to, target);
  return to.diffFrom(from, options);
}

const one = { a1: undefined };

describe('a child that several parents list', () => {
  it.each<[string, Content, Content, string[]]>([
    [
      'is equal where the same parents list it, in whatever order',
      { groups: { g1: { addresses: ['a1', 'a2'] }, g2: { addresses: ['a2'] } }, addresses: { ...one, a2: 'x' } },
      { groups: { g2: { addresses: ['a2'] }, g1: { addresses: ['a2', 'a1'] } }, addresses: { ...one, a2: 'x' } },
      [],
    ],
    [
      'is created once, and linked below the other parents',
      { groups: { g1: { addresses: ['a1'] }, g2: { addresses: ['a1'] } }, addresses: one },
      { groups: { g1: {}, g2: {} } },
      ['create /g1/a1', 'create link /g2/a1'],
    ],
    [
      'is deleted once, and unlinked below the other parents',
      { groups: { g1: {}, g2: {} } },
      { groups: { g1: { addresses: ['a1'] }, g2: { addresses: ['a1'] } }, addresses: one },
      ['delete /g1/a1', 'delete link /g2/a1'],
    ],
    [
      'loses the link that the source does not have',
      { groups: { g1: {}, g2: { addresses: ['a1'] } }, addresses: one },
      { groups: { g1: { addresses: ['a1'] }, g2: { addresses: ['a1'] } }, addresses: one },
      ['delete link /g1/a1'],
    ],
    [
      'gets the link that the target does not have',
      { groups: { g1: { addresses: ['a1'] }, g2: { addresses: ['a1'] } }, addresses: one },
      { groups: { g1: {}, g2: { addresses: ['a1'] } }, addresses: one },
      ['create link /g1/a1'],
    ],
    [
      'is updated where both sides list it',
      { groups: { g1: {}, g2: { addresses: ['a1'] } }, addresses: { a1: 'new' } },
      { groups: { g1: { addresses: ['a1'] }, g2: { addresses: ['a1'] } }, addresses: { a1: 'old' } },
      ['delete link /g1/a1', 'update /g2/a1'],
    ],
    [
      'is updated also where no parent lists it on both sides',
      { groups: { g1: { addresses: ['a1'] }, g2: { addresses: ['a1'] }, g3: {} }, addresses: { a1: 'new' } },
      { groups: { g1: {}, g2: {}, g3: { addresses: ['a1'] } }, addresses: { a1: 'old' } },
      ['update /g1/a1', 'create link /g1/a1', 'create link /g2/a1', 'delete link /g3/a1'],
    ],
    [
      'is one object whether parents of one type or of two list it, on whatever level',
      { groups: { g1: { hosts: ['h1'] } }, hosts: { h1: { addresses: ['a1'] } }, addresses: { a1: 'new' } },
      {
        groups: { g1: { hosts: ['h1'], addresses: ['a1'] } },
        hosts: { h1: { addresses: ['a1'] } },
        addresses: { a1: 'old' },
      },
      ['update /g1/h1/a1', 'delete link /g1/a1'],
    ],
    [
      'stays where one of its parents goes',
      { groups: { g1: { addresses: ['a1'] } }, addresses: one },
      { groups: { g1: { addresses: ['a1'] }, g2: { addresses: ['a1'] } }, addresses: one },
      ['delete /g2', 'delete link /g2/a1'],
    ],
    [
      'is linked below a parent that comes',
      { groups: { g1: { addresses: ['a1'] }, g2: { addresses: ['a1'] } }, addresses: one },
      { groups: { g1: { addresses: ['a1'] } }, addresses: one },
      ['create /g2', 'create link /g2/a1'],
    ],
    [
      'is compared with all below it',
      {
        groups: { g1: { hosts: ['h1'] }, g2: { hosts: ['h1'] }, g3: {} },
        hosts: { h1: { role: 'x', addresses: ['a1'] } },
        addresses: { a1: 'new' },
      },
      {
        groups: { g1: {}, g2: {}, g3: { hosts: ['h1'] } },
        hosts: { h1: { role: 'x', addresses: ['a1'] } },
        addresses: { a1: 'old' },
      },
      ['update /g1/h1/a1', 'create link /g1/h1', 'create link /g2/h1', 'delete link /g3/h1'],
    ],
    [
      'moves, deleted and created, from its only parent to another',
      { groups: { g1: {}, g2: { addresses: ['a1'] } }, addresses: one },
      { groups: { g1: { addresses: ['a1'] }, g2: {} }, addresses: one },
      ['delete /g1/a1', 'create /g2/a1'],
    ],
  ])('%s', async (_title, source, target, expected) => {
    const diff = await compare(source, target);
    expect(changes(diff)).toEqual(expected);
    const counted = { create: 0, update: 0, delete: 0 };
    for (const change of expected) counted[change.split(' ')[0] as keyof typeof counted]++;
    expect(diff.summary()).toMatchObject({ ...counted, skip: 0 });
  });
});

it('a unique id that a list repeats counts once', async () => {
  const diff = await compare(
    { groups: { g1: { addresses: ['a1', 'a1'] } }, addresses: one },
    { groups: { g1: { addresses: ['a1'] } }, addresses: one },
  );
  expect(diff.hasDiffs()).toBe(false);
});

describe('a link that differs', () => {
  const source = { groups: { g1: {}, g2: { addresses: ['a1'] } }, addresses: one };
  const target = { groups: { g1: { addresses: ['a1'] }, g2: { addresses: ['a1'] } }, addresses: one };

  it('shows in the text and in the dict', async () => {
    const diff = await compare(source, target);
    expect(diff.toString()).toBe(
      ['group', '  group: g1', '    address', '      address: a1 (link) MISSING in source'].join('\n'),
    );
    expect(diff.toDict()).toEqual({ group: { g1: { '-': {}, '+': {}, address: { a1: { '-': {} } } } } });
  });

  it('stands beside an update of the same object, under a name of its own', async () => {
    const both = await compare(
      { groups: { g1: { addresses: ['a1'] }, g2: { addresses: ['a1'] } }, addresses: { a1: 'new' } },
      { groups: { g1: {}, g2: {}, g3: { addresses: ['a1'] } }, addresses: { a1: 'old' } },
    );
    expect(both.toDict()['group']?.['g1']).toMatchObject({
      address: { a1: { '-': { dns: 'old' }, '+': { dns: 'new' } }, 'a1 (link)': { '+': {} } },
    });
  });

  it('is carried by a plan, filtered and excluded', async () => {
    const diff = await compare(source, target);
    const loaded = Diff.fromJSON(JSON.parse(JSON.stringify(diff)), { target: new Network() });
    expect(changes(loaded)).toEqual(['delete link /g1/a1']);
    expect(loaded.fingerprint()).toEqual(diff.fingerprint());
    expect(changes(diff.filter({ actions: ['delete'] }))).toEqual(['delete link /g1/a1']);
    expect(changes(diff.exclude({ modelTypes: ['address'] }))).toEqual([]);
  });

  it('changes the fingerprint of the side that has it', async () => {
    const [before, after] = [await compare(target, target), await compare(source, target)];
    expect(after.fingerprint().target).not.toBe(before.fingerprint().target);
  });

  it.each<[string, DiffOptions, string[]]>([
    ['is left out with SKIP_UNMATCHED_DST, if the target has it', { flags: DiffSyncFlags.SKIP_UNMATCHED_DST }, []],
    ['is left out where its model is not compared', { modelTypes: ['group'] }, []],
    ['is left out where its object is filtered out', { filters: { address: () => false } }, []],
    ['is compared in a scope that has its model', { modelTypes: ['address'] }, ['delete link /g1/a1']],
  ])('%s', async (_title, options, expected) => {
    expect(changes(await compare(source, target, options))).toEqual(expected);
  });
});

describe('an object that moves, with its delete left out', () => {
  const source = { groups: { g1: {}, g2: { hosts: ['h1', 'h2'] } }, hosts: { h1: { addresses: ['a1'] }, h2: {} } };
  const addresses = { a1: undefined };
  const target = { groups: { g1: { hosts: ['h1'] }, g2: {} }, hosts: { h1: { addresses: ['a1'] } }, addresses };

  it('is left out with all below it, counted and named once with both places', async () => {
    const logger = new Warnings();
    const [from, to] = [new Network({ name: 'source' }), new Network({ name: 'target', logger })];
    await fill(from, { ...source, addresses });
    await fill(to, target);
    const diff = await to.diffFrom(from, { flags: DiffSyncFlags.SKIP_UNMATCHED_DST });
    expect(changes(diff)).toEqual(['create /g2/h2']);
    expect(diff.summary()).toEqual({ create: 1, update: 0, delete: 0, 'no-change': 2, skip: 3 });
    expect(logger.lines).toEqual([
      'host: Leaving out host h1 and all below it: it moves from group g1 to group g2, and its delete at the old place is ' +
        'left out',
    ]);
  });

  it.each([DiffSyncModelFlags.SKIP_UNMATCHED_DST, DiffSyncModelFlags.IGNORE])(
    'by the flag %d of the object in the target',
    async (flag) => {
      const [from, to] = [new Network({ name: 'source' }), new Network({ name: 'target', logger: new Warnings() })];
      await fill(from, { ...source, addresses });
      await fill(to, target);
      const host = await to.get(Host, 'h1');
      host.modelFlags = flag;
      await to.update(host);
      expect(changes(await to.diffFrom(from))).toEqual(['create /g2/h2']);
    },
  );

  it('or with a parent that is skipped, below which the target has it', async () => {
    const [from, to] = [new Network({ name: 'source' }), new Network({ name: 'target', logger: new Warnings() })];
    await fill(from, { groups: { g2: { hosts: ['h1', 'h2'] } }, hosts: { h1: {}, h2: {} } });
    await fill(to, { groups: { g1: { hosts: ['h1'] }, g2: {} }, hosts: { h1: {} } });
    const diff = await to.diffFrom(from, { flags: DiffSyncFlags.SKIP_UNMATCHED_DST });
    expect(changes(diff)).toEqual(['create /g2/h2']);
  });
});

describe.each(engineStores)('objects that no parent lists, on the $name store', ({ open, close }) => {
  async function withTarget(
    source: Content,
    target: Content,
    work: (from: Network, to: Network, warnings: Warnings) => Promise<void>,
  ): Promise<void> {
    const warnings = new Warnings();
    const store = await open();
    try {
      const from = await fill(new Network({ name: 'source' }), source);
      const to = await fill(new Network({ name: 'target', store, logger: warnings }), target);
      await work(from, to, warnings);
    } finally {
      await close(store);
    }
  }

  it('are counted by model and side, and warned about once', async () => {
    await withTarget(
      { groups: { g1: {} }, addresses: { a1: 'x', a2: 'x' } },
      { groups: { g1: {} }, hosts: { h1: {} }, addresses: { a3: 'x' } },
      async (from, to, warnings) => {
        const diff = await to.diffFrom(from);
        expect(diff.unlisted).toEqual({ host: { source: 0, target: 1 }, address: { source: 2, target: 1 } });
        expect(diff.hasDiffs()).toBe(false);
        expect(warnings.lines).toHaveLength(1);
        expect(warnings.lines[0]).toContain('address (source 2, target 1), host (source 0, target 1)');
      },
    );
  });

  it('are none where every object is listed', async () => {
    const listed = { groups: { g1: { hosts: ['h1'] } }, hosts: { h1: { addresses: ['a1'] } }, addresses: one };
    await withTarget(listed, listed, async (from, to, warnings) => {
      expect((await to.diffFrom(from)).unlisted).toEqual({});
      expect(warnings.lines).toEqual([]);
    });
  });

  it('are adopted where the source lists them: linked and compared with all below them', async () => {
    await withTarget(
      {
        groups: { g1: { hosts: ['h1'] } },
        hosts: { h1: { role: 'new', addresses: ['a1', 'a2'] } },
        addresses: { a1: 'x', a2: 'x' },
      },
      { groups: { g1: {} }, hosts: { h1: { role: 'old', addresses: ['a1'] } }, addresses: { a1: 'old' } },
      async (from, to) => {
        const diff = await to.diffFrom(from);
        expect(changes(diff)).toEqual(['update /g1/h1', 'update /g1/h1/a1', 'create /g1/h1/a2', 'create link /g1/h1']);
        expect(diff.unlisted).toEqual({});
      },
    );
  });

  it("are deletes at the top with unlisted: 'delete', unless the source has them", async () => {
    await withTarget(
      { groups: { g1: {} }, addresses: { a2: 'x' } },
      { groups: { g1: {} }, hosts: { h1: { addresses: ['a1'] } }, addresses: { a1: 'x', a2: 'x', a3: 'x' } },
      async (from, to) => {
        const diff = await to.diffFrom(from, { unlisted: 'delete' });
        expect(changes(diff)).toEqual(['delete /h1', 'delete /h1/a1', 'delete /a3']);
        expect(diff.terms.unlisted).toBe('delete');
      },
    );
  });
});
