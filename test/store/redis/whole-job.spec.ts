// The whole of what a user does, on every way to have Redis, while another process writes into the same stores.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisStore } from '../../../src/store/redis/index.js';
import { storesWithOptions } from '../../support/stores.js';
import { startRedis } from '../../support/redis-server.js';
import { Device, Interface, Inventory, Site, tree } from '../../fixtures/inventory.js';

const shared = storesWithOptions.filter(({ shared }) => shared);
const DEVICES = 40;

/** Sites with devices with interfaces: `move` puts every fifth device below the next site. */
async function load(adapter: Inventory, { move, role }: { move: boolean; role: string }): Promise<void> {
  const sites = ['ams', 'ber', 'cph', 'dub'].map((name) => new Site({ name, region: move ? 'eu' : 'europe' }));
  await adapter.addMany(sites);
  for (let at = 0; at < DEVICES; at++) {
    // One side has the first five devices alone, the other the last five.
    if (move ? at < 5 : at >= DEVICES - 5) continue;
    const device = new Device({ name: `d${at}`, role: at % 3 === 0 ? role : 'leaf' });
    const ports = ['e0', 'e1'].map((port) => new Interface({ name: `d${at}${port}`, mtu: move ? 9000 : 1500 }));
    await adapter.addMany([device, ...ports]);
    for (const port of ports) device.addChild(port);
    sites[(move && at % 5 === 0 ? at + 1 : at) % sites.length]?.addChild(device);
  }
}

describe.each(shared)('on $name', ({ open, close }) => {
  it('load, diff, sync, and the second diff is empty: in a tree with moves, and others write between', async () => {
    const [from, to] = await Promise.all([open(), open()]);
    const other = await open(to.storeId === undefined ? {} : { storeId: to.storeId });
    try {
      const source = new Inventory({ name: 'source', store: from });
      const target = new Inventory({ name: 'target', store: to });
      const another = new Inventory({ name: 'another', store: other });
      await load(source, { move: true, role: 'spine' });
      await load(target, { move: false, role: 'edge' });
      expect((await target.diffFrom(source)).hasDiffs()).toBe(true);
      // What another process adds is there for the next diff, and goes with it.
      const late = new Device({ name: 'late', interfaces: [] });
      await another.add(late);
      const site = await another.get(Site, 'ams');
      site.addChild(late);
      await other.flush();
      const diff = await target.diffFrom(source);
      const { create, update, delete: removed } = diff.summary();
      expect(create).toBeGreaterThan(0);
      expect(update).toBeGreaterThan(0);
      expect(removed).toBeGreaterThan(5);
      await target.syncFrom(source, { diff });
      expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
      expect(await tree(another)).toEqual(await tree(source));
      expect(await to.count()).toBe(await from.count());
    } finally {
      await other.close();
      await Promise.all([close(from), close(to)]);
    }
  });
});

describe('another process', () => {
  it('that learns that the load has ended sees every object and child link', async () => {
    const server = await startRedis();
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-spec-'));
    try {
      symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
      writeFileSync(join(folder, 'reader.mjs'), READER);
      const reader = spawn(process.execPath, [join(folder, 'reader.mjs'), server.url], { stdio: 'pipe' });
      let [output, complaint] = ['', ''];
      reader.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      reader.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
      const ended = once(reader, 'close');
      const store = await RedisStore.connect({ url: server.url, storeId: 'inv' });
      const adapter = new Inventory({ store });
      await load(adapter, { move: false, role: 'edge' });
      await store.flush();
      const messenger = new Redis(server.url);
      await messenger.rpush('loaded', 'yes');
      await ended;
      expect(complaint).toBe('');
      const sites = await adapter.getAll(Site);
      const links = sites.map(({ name, devices }) => [name, devices]);
      expect(JSON.parse(output)).toEqual(links);
      expect(links.flatMap(([, devices]) => devices)).toHaveLength(DEVICES - 5);
      await store.close();
      await messenger.quit();
    } finally {
      rmSync(folder, { recursive: true });
      await server.stop();
    }
  });
});

/** Reads what is there as any client would, with nothing of this package. */
const READER = `
import { Redis } from 'ioredis';
const redis = new Redis(process.argv[2]);
await redis.blpop('loaded', 30);
const names = await redis.zrange('diffsync.index:inv:site', '0', '-1');
const sites = await redis.mget(names.map((name) => 'diffsync:inv:site:' + name));
console.log(JSON.stringify(sites.map((text) => JSON.parse(text)).map(({ name, devices }) => [name, devices])));
await redis.quit();
`;
