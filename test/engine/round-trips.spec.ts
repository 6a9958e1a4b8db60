// Not shared with other stores: only a store behind a network has round trips to count.
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisStore } from '../../src/store/redis/index.js';
import { assembledScripts, scriptSha } from '../../src/store/redis/scripts/scripts.js';
import { Device, Interface, Inventory, Site } from '../fixtures/inventory.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

const SITES = 100;
const DEVICES = 9;
const INTERFACES = 10;
const OBJECTS = SITES * (1 + DEVICES * (1 + INTERFACES));
const LEVELS = 3;
/** Objects in one read and in one write of the Redis store. */
const READ_CHUNK = 1000;
const WRITE_CHUNK = 500;

/** The scripts that only read, as a command names them: by the SHA-1 or the text. */
const READING = new Set(
  [...assembledScripts().values()]
    .filter((lua) => /^#!lua flags=.*no-writes/.test(lua))
    .flatMap((lua) => [scriptSha(lua), lua]),
);

/** Counts the commands it sends, a transaction as one. Each costs one round trip at most; those sent together share one. */
class CountingRedis extends Redis {
  reads = 0;
  writes = 0;
  private inTransaction = false;

  override sendCommand(...args: Parameters<Redis['sendCommand']>): ReturnType<Redis['sendCommand']> {
    const { name, args: given } = args[0];
    if (name === 'multi' || name === 'exec') this.inTransaction = name === 'multi';
    // Every write of the store is a script.
    if (name.startsWith('eval') && !READING.has(String(given[0]))) this.writes++;
    else if (!this.inTransaction) this.reads++;
    return super.sendCommand(...args);
  }

  forget(): void {
    this.reads = 0;
    this.writes = 0;
  }
}

/** What a diff may ask of one side. */
const diffTrips = (children: number): number => children / READ_CHUNK + 2 * LEVELS + 4;

interface CountedSide {
  readonly adapter: Inventory;
  readonly client: CountingRedis;
}

let server: RedisServer;
const clients: CountingRedis[] = [];

beforeAll(async () => {
  server = await startRedis();
});

afterEach(() => {
  jest.useRealTimers();
});

afterAll(async () => {
  for (const client of clients) await client.quit();
  await server.stop();
});

/** What of an inventory to leave out, and what to change, by the number of an interface. */
interface Variation {
  readonly without?: (number: number) => boolean;
  readonly changed?: (number: number) => boolean;
}

async function inventory(
  name: string,
  { without = () => false, changed = () => false }: Variation = {},
  sizes = { sites: SITES, devices: DEVICES },
): Promise<CountedSide> {
  const client = new CountingRedis(server.url);
  clients.push(client);
  const store = await RedisStore.connect({ client, storeId: `${name}-${clients.length}` });
  const adapter = new Inventory({ name, store });
  const [sites, devices, interfaces]: [Site[], Device[], Interface[]] = [[], [], []];
  for (let site = 0; site < sizes.sites; site++) {
    const below: string[] = [];
    for (let device = site * sizes.devices; device < (site + 1) * sizes.devices; device++) {
      const numbers = Array.from({ length: INTERFACES }, (_, at) => device * INTERFACES + at);
      const kept = numbers.filter((number) => !without(number));
      interfaces.push(...kept.map((at) => new Interface({ name: `e${at}`, mtu: changed(at) ? 9000 : 1500 })));
      devices.push(new Device({ name: `d${device}`, interfaces: kept.map((number) => `e${number}`) }));
      below.push(`d${device}`);
    }
    sites.push(new Site({ name: `s${site}`, devices: below }));
  }
  await adapter.addMany([...sites, ...devices, ...interfaces]);
  client.forget();
  return { adapter, client };
}

/** The figures are part of what this file is for; a passing test is otherwise silent. */
function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

describe(`round trips to Redis, with ${OBJECTS} objects on three levels a side`, () => {
  it.each([1, 10, SITES, SITES * DEVICES])(
    'a diff takes children/1000 + 2 a level + 4 a side at most, with %i parents at the top',
    async (sites) => {
      const sizes = { sites, devices: (SITES * DEVICES) / sites };
      const [source, target] = [await inventory('source', {}, sizes), await inventory('target', {}, sizes)];
      const diff = await target.adapter.diffFrom(source.adapter);
      const children = SITES * DEVICES * (1 + INTERFACES);
      expect(diff.length).toBe(sites + children);
      const [ours, theirs] = [source.client.reads, target.client.reads];
      tell(`diff of ${diff.length} objects: ${ours} + ${theirs} round trips`);
      expect(ours).toBeLessThanOrEqual(diffTrips(children));
      expect(theirs).toBeLessThanOrEqual(diffTrips(children));
      expect(source.client.writes + target.client.writes).toBe(0);
    },
  );

  it.each<[string, Variation, Variation]>([
    ['updates next to each other', {}, { changed: (number) => number < 500 }],
    ['updates all over', {}, { changed: (number) => number % 18 === 0 }],
    ['creates all over', { without: (number) => number % 18 === 0 }, {}],
    ['deletes all over', {}, { without: (number) => number % 18 === 0 }],
    [
      'creates, updates and deletes all over',
      { without: (number) => number % 60 === 0 },
      { without: (number) => number % 60 === 20, changed: (number) => number % 60 === 40 },
    ],
  ])('a sync of 5 %% changes: %s', async (what, before, after) => {
    const [source, target] = [await inventory('source', after), await inventory('target', before)];
    const diff = await target.adapter.diffFrom(source.adapter);
    const { create, update, delete: gone } = diff.summary();
    const changes = create + update + gone;
    source.client.forget();
    target.client.forget();
    // On a slow machine the delay of a scheduled flush passes during the sync, and one more write and its reads follow.
    jest.useFakeTimers({ doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate'] });
    await target.adapter.syncFrom(source.adapter, { diff });
    jest.useRealTimers();
    tell(`sync of ${changes} changes (${what}): ${target.client.writes} writes, ${target.client.reads} reads`);
    expect(target.client.writes + target.client.reads).toBeLessThanOrEqual(Math.ceil(changes / WRITE_CHUNK) + 8);
    expect(source.client.writes + source.client.reads).toBe(0);
    expect((await target.adapter.diffFrom(source.adapter)).hasDiffs()).toBe(false);
  });
});
