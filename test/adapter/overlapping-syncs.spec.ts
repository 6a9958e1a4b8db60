// Decision 19: one sync of a target at a time within a process.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  Adapter,
  Diff,
  DiffSyncFlags,
  DiffSyncModel,
  LocalStore,
  SyncAborted,
  SyncInProgress,
  ValueError,
} from '../../src/index.js';
import { stores } from '../support/stores.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

class Network extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
}

/** Lets a test decide when the first hook goes on. */
class Gate {
  readonly calls: string[] = [];
  open = (): void => undefined;
  readonly entered: Promise<void>;
  private enter = (): void => undefined;
  private readonly opened = new Promise<void>((resolve) => (this.open = resolve));

  constructor() {
    this.entered = new Promise((resolve) => (this.enter = resolve));
  }

  async pass(name: string): Promise<void> {
    this.calls.push(name);
    this.enter();
    await this.opened;
  }
}

/** A target whose `create` calls `inside` before it creates. */
function targetWith(inside: (name: string, target: Adapter) => Promise<unknown>, store = new LocalStore()): Network {
  class Hooked extends Device {
    static override async create(context: Parameters<typeof Device.create>[0]) {
      await inside(context.ids.name, context.adapter as Adapter);
      return super.create(context);
    }
  }
  class Cmdb extends Network {
    static override readonly models = [Hooked];
  }
  return new Cmdb({ name: 'cmdb', store });
}

async function networkWith(...names: string[]): Promise<Network> {
  const network = new Network({ name: 'network' });
  await network.addMany(names.map((name) => new Device({ name })));
  return network;
}

describe('a second sync of one target', () => {
  it('is refused, and names both', async () => {
    const gate = new Gate();
    const target = targetWith((name) => gate.pass(name));
    const [network, api] = [await networkWith('r1', 'r2'), new Network({ name: 'api' })];
    const first = target.syncFrom(network);
    await gate.entered;
    const error = await target.syncFrom(api).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SyncInProgress);
    expect(error).toMatchObject({
      code: 'SYNC_IN_PROGRESS',
      message:
        'The sync from api into cmdb cannot begin, because the sync from network into cmdb is still running: wait until it ' +
        'has settled, or pass waitMs',
    });
    gate.open();
    await first;
    expect(gate.calls).toEqual(['r1', 'r2']);
    expect(await target.count()).toBe(2);
  });

  it('is refused also when both are started in one tick, by syncTo, or with a diff', async () => {
    const calls: string[] = [];
    const target = targetWith(async (name) => calls.push(name));
    const network = await networkWith('r1', 'r2', 'r3');
    const diff = await target.diffFrom(network);
    const runs = await Promise.allSettled([
      target.syncFrom(network),
      network.syncTo(target),
      target.syncFrom(network, { diff }),
    ]);
    expect(runs.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(calls).toEqual(['r1', 'r2', 'r3']);
  });

  it('with waitMs begins when the first has settled, compares then, and finds nothing to do', async () => {
    const gate = new Gate();
    const target = targetWith((name) => gate.pass(name));
    const network = await networkWith('r1', 'r2');
    const first = target.syncFrom(network);
    await gate.entered;
    const [second, third] = [
      target.syncFrom(network, { waitMs: 60_000 }),
      target.syncFrom(network, { waitMs: 2 ** 40 }), // Longer than a timer can wait.
    ];
    gate.open();
    expect((await first).summary().create).toBe(2);
    expect([(await second).summary(), (await third).summary()]).toEqual([
      expect.objectContaining({ create: 0, 'no-change': 2 }),
      expect.objectContaining({ create: 0, 'no-change': 2 }),
    ]);
    expect(gate.calls).toEqual(['r1', 'r2']);
  });

  it('that waits runs alone: of many that wait at once no two run together', async () => {
    let running = 0;
    let most = 0;
    const target = targetWith(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    });
    const sources = await Promise.all(Array.from({ length: 8 }, async (_, i) => networkWith(`r${i}`)));
    await Promise.all(sources.map(async (source) => target.syncFrom(source, { waitMs: 60_000 })));
    expect(most).toBe(1);
  });

  it('is refused after waitMs, and ended by its signal', async () => {
    const gate = new Gate();
    const target = targetWith((name) => gate.pass(name));
    const network = await networkWith('r1');
    const first = target.syncFrom(network);
    await gate.entered;
    await expect(target.syncFrom(network, { waitMs: 5 })).rejects.toThrow(
      'because the sync from network into cmdb was still running after 5 ms',
    );
    const abort = new AbortController();
    const aborted = target.syncFrom(network, { waitMs: 60_000, signal: abort.signal });
    abort.abort(new Error('shutdown'));
    await expect(aborted).rejects.toThrow(SyncAborted);
    gate.open();
    await first;
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('with waitMs %s is a ValueError', async (waitMs) => {
    const network = await networkWith('r1');
    await expect(new Network().syncFrom(network, { waitMs })).rejects.toThrow(ValueError);
  });
});

describe('a sync that is started inside another one of the same target', () => {
  const inside = 'was started inside the sync from network into cmdb';

  it('by a hook, is refused, also with waitMs and through other targets', async () => {
    const errors: unknown[] = [];
    const other = await networkWith('x');
    let outer: Network;
    class Relay extends Network {
      override async syncComplete() {
        await outer.syncFrom(other, { waitMs: 60_000 }).catch((error: unknown) => errors.push(error));
      }
    }
    const relay = new Relay({ name: 'relay' });
    const target = (outer = targetWith(async (_, self) => {
      await self.syncFrom(other, { waitMs: 60_000 }).catch((error: unknown) => errors.push(error));
      await relay.syncFrom(other);
      await relay.store.clear();
    }));
    await target.syncFrom(await networkWith('r1'));
    expect(errors).toHaveLength(2);
    for (const error of errors) expect(error).toMatchObject({ code: 'SYNC_IN_PROGRESS' });
    expect(String(errors[0])).toContain(inside);
    expect(String(errors[1])).toContain(inside);
  });

  it.each(['syncComplete', 'syncFilter', 'complete'] as const)('by %s, is refused', async (caller) => {
    const errors: unknown[] = [];
    const network = await networkWith('r1');
    const again = async (): Promise<void> => {
      await target.syncFrom(network, { waitMs: 60_000 }).catch((error: unknown) => errors.push(error));
    };
    class Cmdb extends Network {
      override async syncComplete(): Promise<void> {
        if (caller === 'syncComplete') await again();
      }
    }
    class OwnDiff extends Diff {
      override async complete(): Promise<void> {
        await again();
      }
    }
    const target = caller === 'syncComplete' ? new Cmdb({ name: 'cmdb' }) : new Network({ name: 'cmdb' });
    await target.syncFrom(network, {
      ...(caller === 'syncFilter' ? { syncFilter: async () => again().then(() => true) } : {}),
      ...(caller === 'complete' ? { diffClass: OwnDiff } : {}),
    });
    expect(errors.map(String)).toEqual([expect.stringContaining(inside)]);
  });

  it('and of another target, is done', async () => {
    const [other, network] = [new Network(), await networkWith('r1')];
    const target = targetWith(async () => other.syncFrom(network));
    await target.syncFrom(network);
    expect([await other.count(), await target.count()]).toEqual([1, 1]);
  });
});

describe('the target', () => {
  it.each(['hook', 'compare', 'syncComplete'] as const)('is free again after a failure in %s', async (failing) => {
    let fail = true;
    const broken = async (where: string): Promise<void> => {
      if (fail && where === failing) throw new Error('out of order');
    };
    const network = await networkWith('r1');
    const target = targetWith(async () => broken('hook'));
    target.syncComplete = async () => broken('syncComplete');
    const diffFrom = target.diffFrom.bind(target);
    target.diffFrom = async (...terms) => broken('compare').then(() => diffFrom(...terms));
    await expect(target.syncFrom(network)).rejects.toThrow('out of order');
    fail = false;
    await target.syncFrom(network);
    expect(await target.count()).toBe(1);
  });

  it('can be compared, and be a source, while it is synchronised', async () => {
    const gate = new Gate();
    const target = targetWith((name) => gate.pass(name));
    const [network, copy] = [await networkWith('r1', 'r2'), new Network()];
    const first = target.syncFrom(network);
    await gate.entered;
    expect((await target.diffFrom(network)).summary().create).toBe(2);
    await copy.syncFrom(target);
    gate.open();
    await first;
  });
});

it.each(stores.filter(({ shared }) => shared))(
  'two adapters on two store objects of one $name store are not held up',
  async ({ open, close }) => {
    const storeId = `two-${Math.random().toString(36).slice(2)}`;
    const [one, two] = [await open({ storeId }), await open({ storeId })];
    const sources = await Promise.all([networkWith('r1', 'r2'), networkWith('r3')]);
    const targets = [new Network({ store: one }), new Network({ store: two })];
    const flags = DiffSyncFlags.SKIP_UNMATCHED_DST;
    await Promise.all(sources.map(async (source, at) => targets[at]?.syncFrom(source, { flags })));
    expect(await Promise.all(targets.map(async (target) => target.count()))).toEqual([3, 3]);
    await two.close();
    await close(one);
  },
);
