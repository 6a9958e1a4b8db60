// Not shared with other stores: only a store behind a network has round trips to count.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisStore } from '../../../src/store/redis/index.js';
import { Device, Interface, Inventory, Site, Warnings } from '../../fixtures/inventory.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';

/** Keeps the commands that it sends, each with its arguments. */
class RecordingRedis extends Redis {
  readonly sent: string[][] = [];

  override sendCommand(...args: Parameters<Redis['sendCommand']>): ReturnType<Redis['sendCommand']> {
    this.sent.push([args[0].name, ...args[0].args.map(String)]);
    return super.sendCommand(...args);
  }
}

interface Side {
  readonly adapter: Inventory;
  readonly client: RecordingRedis;
  readonly storeId: string;
}

/** Devices of a site, and interfaces of a device. */
const BELOW = 10;
/** For both sides: of the logs, of the counts, and of the baseline. */
const MOST_COMMANDS = 40;

let server: RedisServer;
const clients: RecordingRedis[] = [];

beforeAll(async () => {
  server = await startRedis();
});

afterAll(async () => {
  for (const client of clients) await client.quit();
  await server.stop();
});

async function side(name: string, sites: number): Promise<Side> {
  const client = new RecordingRedis(server.url);
  clients.push(client);
  const storeId = `${name}-${sites}`;
  const store = await RedisStore.connect({ client, storeId, changeLog: true });
  return { adapter: new Inventory({ name, store, logger: new Warnings() }), client, storeId };
}

function treeOf(sites: number): (Site | Device | Interface)[] {
  const objs: (Site | Device | Interface)[] = [];
  for (let site = 0; site < sites; site++) {
    const devices = Array.from({ length: BELOW }, (_, at) => `s${site}d${at}`);
    objs.push(new Site({ name: `s${site}`, devices }));
    for (const device of devices) {
      const interfaces = Array.from({ length: BELOW }, (_, at) => `${device}e${at}`);
      objs.push(new Device({ name: device, interfaces }), ...interfaces.map((each) => new Interface({ name: each })));
    }
  }
  return objs;
}

/** What the commands name of the objects of a side. */
function objectsRead({ client, storeId }: Side): string[] {
  return client.sent.flatMap((command) => command.filter((word) => word.startsWith(`diffsync:${storeId}:`)));
}

/** Two sides that are the same, with a baseline after which nothing was written. */
async function settled(sites: number): Promise<{ readonly source: Side; readonly target: Side }> {
  const [source, target] = [await side('source', sites), await side('target', sites)];
  for (const { adapter } of [source, target]) await adapter.addMany(treeOf(sites));
  for (let each = 0; each < 2; each++) await target.adapter.syncFrom(source.adapter, { incremental: true });
  for (const { client } of [source, target]) client.sent.length = 0;
  return { source, target };
}

describe('round trips to Redis of an incremental diff', () => {
  it('that finds nothing are as many whatever the number of objects, and no object is read', async () => {
    const commands: number[] = [];
    for (const sites of [9, 45]) {
      const { source, target } = await settled(sites);
      const diff = await target.adapter.diffFrom(source.adapter, { incremental: true });
      expect(diff).toMatchObject({ incremental: { candidates: 0 }, unchanged: sites * (1 + BELOW * (1 + BELOW)) });
      expect([objectsRead(source), objectsRead(target)]).toEqual([[], []]);
      commands.push(source.client.sent.length + target.client.sent.length);
    }
    process.stdout.write(`incremental diffs of 999 and 4,995 objects: ${commands.join(' and ')} commands\n`);
    expect(commands[1]).toBe(commands[0]);
    expect(commands[0]).toBeLessThanOrEqual(MOST_COMMANDS);
  });

  it('that finds a change read what is above it alone', async () => {
    const { source, target } = await settled(10);
    await source.adapter.update(new Interface({ name: 's3d4e5', mtu: 9000 }));
    await source.adapter.store.flush();
    source.client.sent.length = 0;
    const diff = await target.adapter.diffFrom(source.adapter, { incremental: true });
    expect(diff.incremental).toMatchObject({ candidates: 3 });
    for (const each of [source, target]) {
      const text = objectsRead(each).join(' ');
      expect(text).toContain('s3d4e5');
      expect(text).not.toMatch(/s[^3]d|s3d[^4]|s3d4e[^5]/);
    }
  });
});
