// A pending child link that cannot be saved, because what is stored of its parent is damaged.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, DiffSyncModel, type DiffSyncLogger } from '../../src/index.js';
import { SILENT_LOGGER } from '../../src/logging/logger.js';
import { RedisStore } from '../../src/store/redis/index.js';
import { call } from '../support/redis-client.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string(), ports: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  children: { port: 'ports' },
}) {}
class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}
class Vlan extends DiffSyncModel.define({ name: 'vlan', schema: z.object({ id: z.string() }), identifiers: ['id'] }) {}
class Inventory extends Adapter {
  static override readonly models = [Site, Port, Vlan];
  static override readonly topLevel = ['site', 'vlan'];
}

let server: RedisServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

let runs = 0;
const CORRUPT = { code: 'STORE_CORRUPT' };

/** Two sites with a child each that waits to be linked; what is stored of the first one is damaged. */
async function damaged(): Promise<{ inventory: Inventory; store: RedisStore; told: string[]; key: string }> {
  const storeId = `failed${runs++}`;
  const told: string[] = [];
  const logger: DiffSyncLogger = { ...SILENT_LOGGER, error: (message) => told.push(message) };
  const store = await RedisStore.connect({ url: server.url, storeId, logger });
  const inventory = new Inventory({ store });
  const sites = ['s', 't'].map((name) => new Site({ name }));
  const ports = ['p', 'q'].map((name) => new Port({ name }));
  await inventory.addMany([...sites, ...ports, new Vlan({ id: '1' })]);
  const key = `diffsync:${storeId}:site:s`;
  await call(server, 'SET', key, '{"name":');
  for (const [at, site] of sites.entries()) site.addChild(ports[at] as Port);
  return { inventory, store, told, key };
}

describe('a pending write that cannot be done', () => {
  it('fails those who read the object, and nobody else, and is told once', async () => {
    const { inventory, store, told } = await damaged();
    for (let times = 0; times < 2; times++) {
      expect(await store.getAll({ model: Vlan })).toHaveLength(1);
      expect(await store.getAllModelNames()).toHaveLength(3);
      expect((await store.get({ model: Site, identifier: 't' })).ports).toEqual(['q']);
      await expect(store.get({ model: Site, identifier: 's' })).rejects.toMatchObject(CORRUPT);
      await expect(store.getAll({ model: Site })).rejects.toMatchObject(CORRUPT);
    }
    expect((await inventory.diffFrom(new Inventory(), { modelTypes: ['vlan'] })).summary()).toMatchObject({
      delete: 1,
    });
    expect(await store.verify()).toMatchObject({ counts: { undecodable: 1 } });
    expect(told).toEqual([expect.stringContaining('site "s"')]);
    await expect(store.close()).rejects.toMatchObject(CORRUPT);
  });

  it('is told by the next flush, once, so that a sync learns of it', async () => {
    const { store } = await damaged();
    expect(await store.count({ model: Vlan })).toBe(1);
    await expect(store.flush()).rejects.toMatchObject(CORRUPT);
    await store.flush();
    await expect(store.close()).rejects.toMatchObject(CORRUPT);
  });

  it.each(['update', 'remove'] as const)('is forgotten by %s of the object', async (how) => {
    const { store } = await damaged();
    await store.count();
    await store[how]({ obj: new Site({ name: 's', ports: ['q'] }) });
    const sites = await store.getAll({ model: Site });
    expect(sites.map(({ name }) => name)).toEqual(how === 'update' ? ['s', 't'] : ['t']);
    await store.flush();
    await store.close();
  });

  it('is done once what is stored is whole again', async () => {
    const { store, key } = await damaged();
    await expect(store.get({ model: Site, identifier: 's' })).rejects.toMatchObject(CORRUPT);
    await call(server, 'SET', key, '{"name":"s","ports":[]}');
    expect((await store.get({ model: Site, identifier: 's' })).ports).toEqual(['p']);
    await store.close();
  });
});
