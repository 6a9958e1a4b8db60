/** A process that loads and syncs, and may be killed at any moment. */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Adapter, DiffSyncModel, type BaseStore } from '../../src/index.js';
import { SILENT_LOGGER } from '../../src/logging/logger.js';
import { RedisStore } from '../../src/store/redis/index.js';
import { SqliteStore } from '../../src/store/sqlite/index.js';

const schema = z.object({ name: z.string(), role: z.string(), ports: z.array(z.string()).default([]) });

export class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string(), speed: z.number() }),
  identifiers: ['name'],
  attributes: ['speed'],
}) {}

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema,
  identifiers: ['name'],
  attributes: ['role'],
  children: { port: 'ports' },
}) {}

export class Inventory extends Adapter {
  static override readonly models = [Device, Port];
  static override readonly topLevel = ['device'];
}

const DEVICES = 80;

/** The inventory of a round: a fifth of the devices and ports come, go or change with each. */
export async function sourceOf(round: number): Promise<Inventory> {
  const source = new Inventory({ name: 'source', logger: SILENT_LOGGER });
  const objs: DiffSyncModel[] = [];
  for (let at = 0; at < DEVICES; at++) {
    if ((at + round) % 5 === 0) continue;
    const ports = [0, 1, 2].filter((port) => (at + port + round) % 5 !== 0).map((port) => `d${at}:${port}`);
    objs.push(new Device({ name: `d${at}`, role: `role${(at + round) % 7}`, ports }));
    objs.push(...ports.map((name) => new Port({ name, speed: (at + round) % 3 })));
  }
  await source.addMany(objs);
  return source;
}

export type Engine = 'redis' | 'sqlite';

/** Where a store of each engine is, by what a process can be given. */
export const engines: Record<Engine, (where: string) => Promise<BaseStore>> = {
  redis: (url) => RedisStore.connect({ url, storeId: 'crash' }),
  sqlite: (path) => SqliteStore.connect({ path, storeId: 'crash' }),
};

/** Brings the store to the round's inventory. */
export async function job(store: BaseStore, round: number): Promise<Inventory> {
  const target = new Inventory({ name: 'target', store, logger: SILENT_LOGGER });
  await target.syncFrom(await sourceOf(round));
  return target;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', (message: { engine: Engine; where: string; round: number }) => {
    void engines[message.engine](message.where).then(async (store) => {
      process.send?.('running');
      await job(store, message.round);
      process.send?.('done');
    });
  });
  process.send?.('ready');
}
