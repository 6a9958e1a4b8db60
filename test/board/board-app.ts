/** An application with a board, on either platform and on any engine. */
import { ForbiddenException, Injectable, Module, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { DynamicModule, INestApplication, NestInterceptor } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  DiffSyncStoreModule,
  InjectStore,
  SyncRunner,
  type BaseStore,
  type BuiltInEngineOptions,
} from '../../src/index.js';
import { DiffSyncBoardModule, type DiffSyncBoardOptions } from '../../src/board/index.js';

export class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string(), region: z.string().default('eu'), devices: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['region'],
  children: { device: 'devices' },
}) {}

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({
    site: z.string(),
    name: z.string(),
    role: z.string().default('leaf'),
    password: z.string().default(''),
    since: z.date().optional(),
    serial: z.bigint().optional(),
    note: z.string().optional(),
  }),
  identifiers: ['site', 'name'],
  attributes: ['role', 'password', 'since', 'serial'],
  secret: ['password'],
}) {}

/** Site -> device -> its fields. */
export type Content = Readonly<Record<string, Readonly<Record<string, Partial<Device>>>>>;

abstract class Inventory extends Adapter {
  static override readonly models = [Site, Device];
  static override readonly topLevel = ['site'];
  content: Content = {};
  /** Is awaited in the middle of a load. */
  pause: () => Promise<void> = async () => undefined;

  override async load(): Promise<void> {
    await this.pause();
    for (const [name, devices] of Object.entries(this.content)) {
      const site = new Site({ name });
      await this.add(site);
      for (const [device, fields] of Object.entries(devices)) {
        const child = new Device({ site: name, name: device, ...(fields as object) });
        await this.add(child);
        site.addChild(child);
      }
    }
    this.progress(1, 1);
  }
}

@Injectable()
class Network extends Inventory {
  constructor(@InjectStore('network') store: BaseStore) {
    super({ store, name: 'network' });
  }
}

@Injectable()
class Cmdb extends Inventory {
  constructor(@InjectStore('cmdb') store: BaseStore) {
    super({ store, name: 'cmdb' });
  }
}

/** Lets in who has a name in the header `x-user`. */
@Injectable()
export class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return userOf(context.switchToHttp().getRequest<object>()) !== undefined;
  }
}

/** Lets alice decide. */
@Injectable()
class AliceGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (userOf(context.switchToHttp().getRequest<object>()) === 'alice') return true;
    throw new ForbiddenException('Only alice decides');
  }
}

function userOf(request: object): string | undefined {
  return (request as { readonly headers: Readonly<Record<string, string>> }).headers['x-user'];
}

export const PLATFORMS = {
  express: () => new ExpressAdapter(),
  fastify: () => new FastifyAdapter(),
} as const;

/** The answer to a request, and its JSON as its caller knows it. */
interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly response: Response;
}

export interface BoardApp {
  readonly app: INestApplication;
  /** The address of the board, with a slash at its end. */
  readonly base: string;
  readonly network: Network;
  readonly cmdb: Cmdb;
  readonly runner: SyncRunner;
  /** Asks as alice. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what the JSON is
  ask<T = unknown>(path: string, init?: RequestInit): Promise<Answer<T>>;
  /** Posts as alice. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what the JSON is
  post<T = unknown>(path: string, body: object): Promise<Answer<T>>;
}

export interface BoardAppOptions {
  readonly platform?: keyof typeof PLATFORMS;
  readonly store?: BuiltInEngineOptions;
  readonly board?: Partial<DiffSyncBoardOptions>;
  /** Is called before the application listens. */
  readonly set?: (app: INestApplication) => void;
  readonly imports?: readonly DynamicModule[];
  readonly interceptor?: NestInterceptor;
  /** The path of the board below the application. Default: `diffsync`. */
  readonly at?: string;
}

const opened: INestApplication[] = [];

/** Closes the applications of a test. */
export async function closeApps(): Promise<void> {
  for (const app of opened.splice(0)) await app.close();
}

const DEFAULT_BOARD: DiffSyncBoardOptions = {
  guards: [UserGuard],
  decideGuards: [AliceGuard],
  user: (request) => userOf(request) ?? '',
};

export async function startBoard(options: BoardAppOptions = {}): Promise<BoardApp> {
  const {
    platform = 'express',
    store = { engine: 'local', storeId: 'app' },
    board = {},
    set,
    at = 'diffsync',
  } = options;

  @Module({
    imports: [
      DiffSyncStoreModule.forRoot(store),
      DiffSyncStoreModule.forFeature(['network', 'cmdb']),
      DiffSyncBoardModule.forRoot({ ...DEFAULT_BOARD, ...board }),
      ...(options.imports ?? []),
    ],
    providers: [Network, Cmdb],
  })
  class AppModule {}

  const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
  const app = module.createNestApplication(PLATFORMS[platform](), {
    logger: ['error', 'fatal'],
    forceCloseConnections: true,
  });
  opened.push(app);
  if (options.interceptor !== undefined) app.useGlobalInterceptors(options.interceptor);
  set?.(app);
  await app.listen(0, '127.0.0.1');
  const base = `${(await app.getUrl()).replace('[::1]', '127.0.0.1')}/${at}/`;
  const ask: BoardApp['ask'] = async (path, init = {}) => {
    const headers = { 'x-user': 'alice', ...(init.headers as Record<string, string> | undefined) };
    const response = await fetch(new URL(path, base), { ...init, headers });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as never, response };
  };
  return {
    app,
    base,
    network: app.get(Network),
    cmdb: app.get(Cmdb),
    runner: app.get(SyncRunner),
    ask,
    post: (path, body) =>
      ask(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  };
}
