import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  DiffSyncModelFlags,
  ObjectNotCreated,
  SyncHookError,
  type BaseStore,
  type CreateContext,
  type SyncOptions,
} from '../../../src/index.js';
import { engineStores } from '../../support/stores.js';
import { Warnings } from '../../fixtures/inventory.js';

const list = z.array(z.string()).default(() => []);

class Ip extends DiffSyncModel.define({
  name: 'ip',
  schema: z.object({ address: z.string(), role: z.string().default('') }),
  identifiers: ['address'],
  attributes: ['role'],
}) {}

class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string(), ips: list }),
  identifiers: ['name'],
  children: { ip: 'ips' },
}) {}

class Ports extends Adapter {
  static override readonly models = [Port, Ip];
  static override readonly topLevel = ['port'];
}

/** Ports whose hooks are recorded; those in `failures` throw. */
function watchedPorts(
  store: BaseStore,
  calls: string[],
  failures: ReadonlyMap<string, Error>,
  logger: Warnings,
): Ports {
  const call = (text: string): void => {
    calls.push(text);
    const failure = failures.get(text);
    if (failure !== undefined) throw failure;
  };
  class WatchedIp extends Ip {
    static override async create(context: CreateContext<{ address: string }, { role?: string }>) {
      call(`create ip ${context.ids.address}`);
      return super.create(context);
    }
    override async delete() {
      call(`delete ip ${this.address}`);
      return super.delete();
    }
  }
  class WatchedPort extends Port {
    override async delete() {
      call(`delete port ${this.name}`);
      return super.delete();
    }
    override async linkChild(child: DiffSyncModel) {
      call(`link ${this.name} ${child.getUniqueId()}`);
    }
    override async unlinkChild(child: DiffSyncModel) {
      call(`unlink ${this.name} ${child.getUniqueId()}`);
    }
  }
  class Target extends Ports {
    static override readonly models = [WatchedPort, WatchedIp];
  }
  return new Target({ name: 'target', store, logger });
}

type Lists = Readonly<Record<string, readonly string[]>>;

async function fill(adapter: Adapter, ports: Lists, flags: Readonly<Record<string, DiffSyncModelFlags>> = {}) {
  const ips = new Set(Object.values(ports).flat());
  const objs = Object.entries(ports).map(([name, addresses]) => new Port({ name, ips: [...addresses] }));
  for (const port of objs) port.modelFlags = flags[port.name] ?? DiffSyncModelFlags.NONE;
  await adapter.addMany([...objs, ...[...ips].map((address) => new Ip({ address }))]);
}

async function lists(adapter: Adapter): Promise<Record<string, string[]>> {
  return Object.fromEntries((await adapter.getAll(Port)).map(({ name, ips }) => [name, ips]));
}

describe.each(engineStores)('links of children with several parents, on the $name store', ({ open, close }) => {
  async function sync(
    sides: { source: Lists; target: Lists },
    {
      modelFlags = {},
      failures = [],
      ...options
    }: SyncOptions & {
      modelFlags?: Readonly<Record<string, DiffSyncModelFlags>>;
      failures?: readonly (readonly [string, Error])[];
    } = {},
  ) {
    const store = await open();
    const calls: string[] = [];
    const logger = new Warnings();
    try {
      const source = new Ports({ name: 'source' });
      const target = watchedPorts(store, calls, new Map(failures), logger);
      await fill(source, sides.source);
      await fill(target, sides.target, modelFlags);
      const diff = await target.diffFrom(source);
      const error: unknown = await target.syncFrom(source, { ...options, diff }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return {
        calls,
        error,
        errors: diff.errors,
        operations: [...diff.operations],
        warnings: logger.lines,
        lists: await lists(target),
        ips: (await target.getAll(Ip)).map(({ address }) => address),
        left: (await target.diffFrom(source)).toString(),
      };
    } finally {
      await close(store);
    }
  }

  it.each([1, 4])('are made after the object is created once (concurrency %i)', async (concurrency) => {
    const source = { e0: ['1'], e1: ['1'] };
    const result = await sync({ source, target: { e0: [], e1: [] } }, { concurrency });
    expect(result.calls).toEqual(['create ip 1', 'link e1 1']);
    expect(result).toMatchObject({ error: undefined, lists: source, ips: ['1'], left: '(no diffs)' });
    expect(result.operations).toEqual([['ip', { create: ['1'], update: [], delete: [] }]]);
  });

  it.each([1, 4])('are removed before the object is deleted (concurrency %i)', async (concurrency) => {
    const result = await sync({ source: { e0: [], e1: [] }, target: { e0: ['1'], e1: ['1'] } }, { concurrency });
    expect(result.calls).toEqual(['unlink e1 1', 'delete ip 1']);
    expect(result).toMatchObject({ error: undefined, lists: { e0: [], e1: [] }, ips: [], left: '(no diffs)' });
  });

  it.each([1, 4])('are made and removed without a hook of the object (concurrency %i)', async (concurrency) => {
    const source = { e0: [], e1: ['1'], e2: ['1'] };
    const result = await sync({ source, target: { e0: ['1'], e1: ['1'], e2: [] } }, { concurrency });
    expect(result.calls.toSorted()).toEqual(['link e2 1', 'unlink e0 1']);
    expect(result).toMatchObject({ error: undefined, operations: [], lists: source, ips: ['1'], left: '(no diffs)' });
  });

  it('are left out, with one warning, where the object was not created', async () => {
    const result = await sync(
      { source: { e0: ['1'], e1: ['1'] }, target: { e0: [], e1: [] } },
      { continueOnFailure: true, failures: [['create ip 1', new ObjectNotCreated('no room')]] },
    );
    expect(result.calls).toEqual(['create ip 1']);
    expect(result.errors.map(({ error }) => error.message)).toEqual(['no room']);
    expect(result.lists).toEqual({ e0: [], e1: [] });
    expect(result.warnings.filter((line) => line.includes('link'))).toEqual([
      'ip: Leaving out the link of ip 1: target does not have the object, or not the parent',
    ]);
  });

  it('whose hook throws are not saved, and the failure says where', async () => {
    const cause = new TypeError('no such cable');
    const result = await sync(
      { source: { e0: ['1'], e1: ['1'] }, target: { e0: ['1'], e1: [] } },
      { continueOnFailure: true, failures: [['link e1 1', cause]] },
    );
    expect(result.errors.map(({ location }) => location)).toEqual([
      { adapter: 'target', action: 'create', model: 'ip', uniqueId: '1', path: ['port e1'] },
    ]);
    const [failure] = result.errors;
    expect(failure?.error).toBeInstanceOf(SyncHookError);
    expect(failure?.error).toMatchObject({ cause, code: 'SYNC_HOOK_FAILED' });
    expect(failure?.error.message).toBe('target: create of the link of ip "1" below port e1 failed: no such cable');
    expect(result.lists).toEqual({ e0: ['1'], e1: [] });
  });

  it('are asked of syncFilter', async () => {
    const asked: unknown[] = [];
    const result = await sync(
      { source: { e0: ['1'], e1: ['1'] }, target: { e0: ['1'], e1: [] } },
      {
        syncFilter: (...args) => {
          asked.push(args);
          return false;
        },
      },
    );
    expect(asked).toEqual([['create', 'ip', { address: '1' }, {}]]);
    expect(result).toMatchObject({ calls: [], lists: { e0: ['1'], e1: [] } });
  });

  it.each([1, 4])(
    'below a parent that goes with all below it are removed first: what they link stays (%i)',
    async (n) => {
      const source = { e1: ['1'] };
      const result = await sync(
        { source, target: { e0: ['1', '2'], e1: ['1'] } },
        { concurrency: n, modelFlags: { e0: DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE } },
      );
      expect(result.calls).toEqual(['unlink e0 1', 'delete port e0']);
      expect(result).toMatchObject({ error: undefined, lists: source, ips: ['1'], left: '(no diffs)' });
    },
  );

  it('are no deletes to the guards', async () => {
    const result = await sync({ source: { e0: [], e1: ['1'] }, target: { e0: ['1'], e1: ['1'] } }, { maxDeletes: 0 });
    expect(result).toMatchObject({ error: undefined, calls: ['unlink e0 1'], lists: { e0: [], e1: ['1'] } });
  });
});
