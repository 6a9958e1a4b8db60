// An application with the board, as the browser tests look at it: two adapters whose systems the tests change.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, Module, type CanActivate, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { z } from 'zod';
import { DiffSyncBoardModule } from '../../../src/board/index.js';
import {
  Adapter,
  DiffSyncModel,
  DiffSyncStoreModule,
  InjectStore,
  SyncRunner,
  type BaseStore,
} from '../../../src/index.js';
import { startRedis } from '../../support/redis-server.js';

const text = z.string().default('');

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string(), region: text, devices: z.array(z.string()).default(() => []) }),
  identifiers: ['name'],
  attributes: ['region'],
  children: { device: 'devices' },
}) {}

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: text, description: text, password: text }),
  identifiers: ['name'],
  attributes: ['role', 'description', 'password'],
  secret: ['password'],
}) {}

interface DeviceFields {
  readonly role?: string;
  readonly description?: string;
  readonly password?: string;
}

/** Sites by name, with their devices by name. */
export type Inventory = Readonly<Record<string, Readonly<Record<string, DeviceFields>>>>;

/** An adapter of a system that the test holds in its hand. */
abstract class SystemAdapter extends Adapter {
  static override readonly models = [Site, Device];
  static override readonly topLevel = ['site'];

  system: Inventory = {};
  /** What a load waits for, once it has said how far it is. */
  gate: Promise<void> | undefined;

  override async load(): Promise<void> {
    const sites = Object.entries(this.system);
    this.progress(1, sites.length);
    await this.gate;
    for (const [name, devices] of sites) {
      const site = await Site.parse({ name, devices: Object.keys(devices) });
      await this.addMany(
        await Promise.all(Object.entries(devices).map(([device, each]) => Device.parse({ name: device, ...each }))),
      );
      await this.add(site);
    }
    this.progress(sites.length, sites.length);
  }

  /** What was synchronised is in the system from then on. */
  override async syncComplete(): Promise<void> {
    const inventory: Record<string, Record<string, DeviceFields>> = {};
    for (const { name, devices } of await this.getAll(Site)) {
      inventory[name] = {};
      for (const device of await this.getByUids(devices, Device))
        inventory[name][device.name] = { ...device.getAttrs() };
    }
    this.system = inventory;
  }
}

@Injectable()
class NetworkAdapter extends SystemAdapter {
  constructor(@InjectStore('network') store: BaseStore) {
    super({ store, name: 'network' });
  }
}

@Injectable()
class CmdbAdapter extends SystemAdapter {
  constructor(@InjectStore('cmdb') store: BaseStore) {
    super({ store, name: 'cmdb' });
  }
}

/** Lets everyone look: what guards refuse has tests of its own. */
class Anyone implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** Lets everyone decide, until a test says otherwise. */
class Deciders implements CanActivate {
  static refuses = false;

  canActivate(): boolean {
    return !Deciders.refuses;
  }
}

export interface BoardAppOptions {
  readonly engine: 'redis' | 'sqlite';
  /** Default: express. */
  readonly platform?: 'express' | 'fastify';
  /** Nest's global prefix. Default: none. */
  readonly prefix?: string;
  /** Default: false. */
  readonly readOnly?: boolean;
}

export interface BoardApp {
  /** Where the board is. */
  readonly url: string;
  readonly network: NetworkAdapter;
  readonly cmdb: CmdbAdapter;
  readonly runner: SyncRunner;
  /** Has the guards refuse to decide, or not. */
  refuseToDecide(refuses: boolean): void;
  close(): Promise<void>;
}

/** Starts the application on a free port, with a server or a file of its own. */
export async function startBoardApp({
  engine,
  platform,
  prefix,
  readOnly = false,
}: BoardAppOptions): Promise<BoardApp> {
  const backend = engine === 'redis' ? await redisBackend() : await sqliteBackend();
  @Module({
    imports: [
      DiffSyncStoreModule.forRoot({ ...backend.options, storeId: 'inventory' }),
      DiffSyncStoreModule.forFeature(['network', 'cmdb']),
      DiffSyncBoardModule.forRoot({
        path: 'diffsync',
        guards: [Anyone],
        ...(readOnly ? { readOnly } : { decideGuards: [Deciders], user: () => 'alice' }),
      }),
    ],
    providers: [NetworkAdapter, CmdbAdapter],
  })
  class InventoryModule {}
  let app: INestApplication;
  try {
    const options = { logger: ['error'] as ['error'], forceCloseConnections: true };
    app =
      platform === 'fastify'
        ? await NestFactory.create(InventoryModule, new FastifyAdapter({ forceCloseConnections: true }), options)
        : await NestFactory.create(InventoryModule, options);
    if (prefix !== undefined) app.setGlobalPrefix(prefix);
    await app.listen(0, '127.0.0.1');
  } catch (error) {
    await backend.stop();
    throw error;
  }
  return {
    url: `${await app.getUrl()}/${prefix === undefined ? '' : `${prefix}/`}diffsync`,
    network: app.get(NetworkAdapter),
    cmdb: app.get(CmdbAdapter),
    runner: app.get(SyncRunner),
    refuseToDecide: (refuses) => {
      Deciders.refuses = refuses;
    },
    close: async () => {
      Deciders.refuses = false;
      await app.close();
      await backend.stop();
    },
  };
}

async function redisBackend() {
  const server = await startRedis();
  return { options: { engine: 'redis' as const, url: server.url }, stop: () => server.stop() };
}

async function sqliteBackend() {
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-board-'));
  return {
    options: { engine: 'sqlite' as const, path: join(folder, 'inventory.db') },
    stop: () => rm(folder, { recursive: true }),
  };
}

/** What a page must show as text, whatever it looks like. */
export const MARKUP = `<img src=x onerror="document.title='owned'"> <script>document.title='owned'</script> &lt; \u202Egnp.exe\u0007\u2028`;
/** The same, as a page shows it. */
export const SHOWN_MARKUP = `<img src=x onerror="document.title='owned'"> <script>document.title='owned'</script> &lt; \\u202egnp.exe\\x07\\u2028`;

const config = (change: string): string =>
  Array.from({ length: 30 }, (_, at) => (at === 14 ? change : `line ${at} of the configuration`)).join('\n');

/** Devices of one site, `berlin-000` and on. */
function devices(site: string, count: number, fields: (at: number) => DeviceFields): Record<string, DeviceFields> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`${site}-${String(at).padStart(3, '0')}`, fields(at)]),
  );
}

/** What the CMDB has before: 154 objects, 121 changes away from `NETWORK`. */
export const CMDB: Inventory = {
  berlin: {
    ...devices('berlin', 80, () => ({ role: 'leaf', description: 'row A, upper half', password: 'hidden-before' })),
    'berlin-config': { description: config('ip route 10.0.0.0/8 via 192.0.2.1') },
    'a/b?c#d%2F e': { description: 'an id of all that an address has' },
  },
  paris: devices('paris', 60, (at) => ({ role: 'leaf', description: `rack ${at}` })),
  closed: devices('closed', 9, () => ({ role: 'leaf' })),
};

/** 60 updates in Berlin, one of a long text and one of markup, 50 creates with a site in Oslo, 10 deletes with a site. */
export const NETWORK: Inventory = {
  berlin: {
    ...devices('berlin', 80, (at) => ({
      role: at < 58 ? 'spine' : 'leaf',
      description: at === 3 ? MARKUP : at < 58 ? 'row A, lower half' : 'row A, upper half',
      password: at < 2 ? 'hidden-after' : 'hidden-before',
    })),
    'berlin-config': { description: config('ip route 10.0.0.0/8 via 192.0.2.254') },
    'a/b?c#d%2F e': { description: 'an id of whatever an address has' },
  },
  paris: devices('paris', 60, (at) => ({ role: 'leaf', description: `rack ${at}` })),
  oslo: devices('oslo', 50, (at) => ({ role: 'leaf', description: `rack ${at}` })),
};
