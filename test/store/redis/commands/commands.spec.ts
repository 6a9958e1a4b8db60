// Not shared with other stores: what a store asks of its server, as the server counted it.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { DiffSyncModel, ObjectAlreadyExists, ObjectNotFound } from '../../../../src/index.js';
import { RedisStore } from '../../../../src/store/redis/index.js';
import { MAX_ATOMIC_FLUSH } from '../../../../src/store/write-behind.js';
import { sized } from '../../../support/full.js';
import { startRedis, type RedisServer } from '../../../support/redis-server.js';
import { sentCommands } from '../../../support/sent-commands.js';
import { deferAdd, deferRemove, pauseFlush } from '../../../../src/store/engine-access.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

const device = (at: number): Device => Device.hydrate({ name: `d${String(at).padStart(6, '0')}`, role: 'leaf' });
const devices = (count: number): Device[] => Array.from({ length: count }, (_, at) => device(at));
const N = 10_000;

let server: RedisServer;
let redis: Redis;
let store: RedisStore;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  store = await RedisStore.connect({ url: server.url, storeId: 'inv' });
});

beforeEach(async () => {
  await store.clear();
  // The first call of a script on a connection is an EVAL.
  await store.add({ obj: device(N) });
  await store.remove({ obj: device(N) });
});

afterAll(async () => {
  await store.close();
  await redis.quit();
  await server.stop();
});

const commands = (work: () => Promise<unknown>): Promise<string[]> => sentCommands(redis, work);

describe('calls, as the server counts them', () => {
  it(`addMany() of ${N} objects: n/500 + 3; getAll(): n/1000 + 3; getByUids(): n/1000 + 1`, async () => {
    const objs = devices(N);
    const added = await commands(() => store.addMany({ objs }));
    expect(added.length).toBeLessThanOrEqual(N / 500 + 3);
    const read = await commands(async () => expect(await store.getAll({ model: Device })).toHaveLength(N));
    expect(read.length).toBeLessThanOrEqual(N / 1000 + 3);
    const uids = objs.map((obj) => obj.getUniqueId());
    const got = await commands(async () => expect(await store.getByUids({ model: Device, uids })).toHaveLength(N));
    expect(got.length).toBeLessThanOrEqual(N / 1000 + 1);
    const all = [...added, ...read, ...got];
    expect(all.filter((name) => name === 'scan' || name === 'keys')).toEqual([]);
  });

  it('re-adding, updating and removing many: n/500 + 3 each', async () => {
    const objs = devices(N);
    await store.addMany({ objs });
    for (const work of [
      () => store.addMany({ objs }),
      () => store.updateMany({ objs }),
      () => store.removeMany({ objs }),
    ]) {
      expect((await commands(work)).length).toBeLessThanOrEqual(N / 500 + 3);
    }
  });

  it('count() and getAllModelNames(): one call each for the names, and one round trip for each model', async () => {
    await store.addMany({ objs: devices(10) });
    await store.count(); // The server gets the script at its first use.
    expect(await commands(() => store.count({ model: Device }))).toEqual(['hget', 'zcard']);
    expect(await commands(() => store.count())).toEqual(['smembers', 'evalsha']);
    expect(await commands(() => store.getAllModelNames())).toEqual(['smembers', 'evalsha']);
  });

  it('an awaited add() or update() is one call', async () => {
    await store.add({ obj: device(1) });
    expect(await commands(() => store.add({ obj: device(2) }))).toEqual(['evalsha']);
    expect(await commands(() => store.update({ obj: device(2) }))).toEqual(['evalsha']);
    expect(await commands(() => store.get({ model: Device, identifier: device(2).getUniqueId() }))).toEqual(['mget']);
  });

  it('the first object of iterate() comes after two pages at most have been asked for', async () => {
    await store.addMany({ objs: devices(N) });
    const seen = await commands(async () => {
      for await (const { name } of store.iterate({ model: Device, batchSize: 500 })) {
        expect(name).toBe('d000000');
        break;
      }
    });
    expect(seen.filter((name) => name === 'exec').length).toBeLessThanOrEqual(3);
  });
});

describe('single operations that are not awaited one by one', () => {
  it('are one batch, and each gets its own result', async () => {
    const objs = devices(3000);
    await store.add({ obj: Device.hydrate({ name: 'd000007', role: 'spine' }) });
    let outcomes: PromiseSettledResult<void>[] = [];
    const added = await commands(async () => {
      outcomes = await Promise.allSettled(objs.map((obj) => store.add({ obj })));
    });
    expect(added.length).toBeLessThanOrEqual(3000 / 500 + 3);
    const refused = outcomes.flatMap((outcome, at) => (outcome.status === 'rejected' ? [[at, outcome.reason]] : []));
    expect(refused).toEqual([[7, expect.any(ObjectAlreadyExists)]]);
    const got = await commands(() =>
      Promise.all(objs.map((obj) => store.get({ model: Device, identifier: obj.getUniqueId() }))),
    );
    expect(got.length).toBeLessThanOrEqual(3000 / 500 + 3);
    const removed = await Promise.allSettled([...objs, device(9999)].map((obj) => store.remove({ obj })));
    expect(removed.map(({ status }) => status).indexOf('rejected')).toBe(3000);
    expect((removed.at(-1) as PromiseRejectedResult).reason).toBeInstanceOf(ObjectNotFound);
  });

  it('happen in the order of the calls, reads too', async () => {
    const obj = (role: string): Device => Device.hydrate({ name: 'a', role });
    const first = store.add({ obj: obj('1') });
    const second = store.update({ obj: obj('2') });
    const gone = store.remove({ obj: obj('2') });
    const third = store.add({ obj: obj('3') });
    const counted = store.count({ model: Device });
    const read = store.get({ model: Device, identifier: 'a' });
    await Promise.all([first, second, gone, third]);
    expect(await counted).toBe(1);
    expect((await read).role).toBe('3');
  });

  it('add() of one unique id twice: the second meets the first', async () => {
    const [first, same, other] = await Promise.allSettled([
      store.add({ obj: Device.hydrate({ name: 'a', role: '1' }) }),
      store.add({ obj: Device.hydrate({ name: 'a', role: '1' }) }),
      store.add({ obj: Device.hydrate({ name: 'a', role: '2' }) }),
    ]);
    expect([first?.status, same?.status, other?.status]).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  });
});

describe('a neighbour on the same server', () => {
  const MANY = sized(500_000, 40_000);
  const PART = 20_000;
  const LIMIT_US = 10_000;
  const ATTEMPTS = 20;
  /** The address that the log gives to what a script does. */
  const INSIDE_A_SCRIPT = '?:0';

  interface Work {
    readonly before?: () => Promise<unknown>;
    readonly run: () => Promise<unknown>;
  }

  /** How long each command took that a client sent, by its name and number. Those inside scripts do not count. */
  async function times(run: () => Promise<unknown>): Promise<ReadonlyMap<string, number>> {
    await redis.slowlog('RESET');
    await run();
    const newestFirst = (await redis.slowlog('GET', -1)) as [number, number, number, string[], string][];
    const seen = new Map<string, number>();
    const took = new Map<string, number>();
    for (const [, , us, [command = ''], client] of newestFirst.toReversed()) {
      if (client === INSIDE_A_SCRIPT || command === 'slowlog') continue;
      // Which of the two a script is sent as depends on whether this connection has sent it before.
      const name = command.replace(/^evalsha$/, 'eval');
      const number = (seen.get(name) ?? 0) + 1;
      seen.set(name, number);
      took.set(`${name} ${number}`, us);
    }
    return took;
  }

  /**
   * A busy machine stops a server in the middle of a command now and then; what blocks by itself does so each time. So a
   * command counts by its fastest run, and the same work is done until each was fast, or often enough.
   */
  async function slowCommands({ before, run }: Work): Promise<string[]> {
    const fastest = new Map<string, number>();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await before?.();
      for (const [command, us] of await times(run)) {
        fastest.set(command, Math.min(us, fastest.get(command) ?? Infinity));
      }
      expect(fastest.size).toBeGreaterThan(0);
      if ([...fastest.values()].every((us) => us <= LIMIT_US)) return [];
    }
    return [...fastest].filter(([, us]) => us > LIMIT_US).map(([command, us]) => `${command}: ${us} us`);
  }

  it(`no command takes more than 10 ms with ${MANY} objects in a model`, async () => {
    await redis.config('SET', 'slowlog-log-slower-than', '0');
    await redis.config('SET', 'slowlog-max-len', '1000000');
    const part = (from: number): Device[] => Array.from({ length: PART }, (_, each) => device(from + each));
    const fill = async (): Promise<void> => {
      for (let at = 0; at < MANY; at += PART) await store.addMany({ objs: part(at) });
    };
    await fill();
    const last = part(MANY - PART);
    const remove = (): Promise<unknown> => store.removeMany({ objs: last });
    const add = (): Promise<unknown> => store.addMany({ objs: last });
    const works: Record<string, Work> = {
      addMany: { before: remove, run: add },
      'addMany again': { run: add },
      updateMany: { run: () => store.updateMany({ objs: last }) },
      count: { run: async () => expect(await store.count()).toBe(MANY) },
      iterate: {
        run: async () => {
          let read = 0;
          for await (const { role } of store.iterate({ model: Device })) read += role.length / 4;
          expect(read).toBe(MANY);
        },
      },
      getByUids: { run: () => store.getByUids({ model: Device, uids: last.map((obj) => obj.getUniqueId()) }) },
      removeMany: { before: add, run: remove },
      'a flush of as much as goes together': {
        run: async () => {
          const release = pauseFlush(store);
          for (const obj of last.slice(0, MAX_ATOMIC_FLUSH / 2)) deferAdd(store, obj);
          for (const obj of part(0).slice(0, MAX_ATOMIC_FLUSH / 2)) deferRemove(store, obj);
          release();
          await store.flush();
          expect(await store.count()).toBe(MANY - PART);
        },
        before: async () => {
          await store.addMany({ objs: [...part(0), ...last] });
          await remove();
        },
      },
      clear: { before: fill, run: () => store.clear() },
    };
    const slow: Record<string, string[]> = {};
    for (const [name, work] of Object.entries(works)) slow[name] = await slowCommands(work);
    expect(slow).toEqual(Object.fromEntries(Object.keys(works).map((name) => [name, []])));
  }, 300_000);
});
