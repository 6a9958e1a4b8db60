/**
 * A Nest application that makes one run of many objects, which its parent ends by a signal. Its argument says, as JSON, which store
 * it has and how it ends; it tells what happens in lines of JSON.
 */
import { writeSync } from 'node:fs';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate as immediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Controller, Get, Global, Inject, Injectable, Module, type BeforeApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { z } from 'zod';
import {
  Adapter,
  type BaseStore,
  type BuiltInEngineOptions,
  type CreateContext,
  DiffSyncModel,
  DiffSyncStoreHealthIndicator,
  DiffSyncStoreModule,
  InjectStore,
  type SyncRun,
  SyncRunner,
} from '../../src/index.js';
import { SILENT_LOGGER } from '../../src/logging/logger.js';
import { sized } from '../support/full.js';

export const OBJECTS = sized(50_000, 10_000);
/** So many hooks have ended when the parent is told. */
const TELLS_AT = OBJECTS / 5;

export interface Application {
  readonly store: BuiltInEngineOptions;
  /** Whether Nest ends the process by `process.exit`. */
  readonly useProcessExit?: boolean;
  /** Whether the shutdown waits for a line of the parent, between the first and the last of its hooks. */
  readonly waits?: boolean;
}

/** What the application tells, in this order. */
export type Told =
  | { readonly event: 'listening'; readonly port: number }
  | { readonly event: 'applying' }
  | { readonly event: 'signal'; readonly begun: number }
  | {
      readonly event: 'aborted';
      readonly begun: number;
      readonly ended: number;
      readonly lastHook: number;
      readonly run: SyncRun;
    }
  | { readonly event: 'exit'; readonly isOpen: boolean };

const tell = (told: Told): void => void writeSync(1, `${JSON.stringify(told)}\n`);

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string() }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

let [begun, ended, lastHook] = [0, 0, 0];

class HookedDevice extends Device {
  static override async create(context: CreateContext<{ name: string }, { role?: string }>) {
    begun++;
    await immediate();
    const device = await super.create(context);
    lastHook = Date.now();
    if (++ended === TELLS_AT) tell({ event: 'applying' });
    return device;
  }
}

@Injectable()
export class NetworkAdapter extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];

  constructor() {
    super({ logger: SILENT_LOGGER });
  }

  override async load(): Promise<void> {
    await this.addMany(Array.from({ length: OBJECTS }, (_, at) => new Device({ name: `d${at}`, role: 'leaf' })));
  }
}

@Injectable()
export class CmdbAdapter extends Adapter {
  static override readonly models = [HookedDevice];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore() store: BaseStore) {
    super({ store, logger: SILENT_LOGGER });
  }
}

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly store: DiffSyncStoreHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.store.isHealthy('store', { timeout: 30_000 })]);
  }
}

const WAITS = 'WAITS';

/** Of a global module, whose hooks come after those of Terminus. */
@Injectable()
class Gate implements BeforeApplicationShutdown {
  constructor(@Inject(WAITS) private readonly waits: boolean) {}

  async beforeApplicationShutdown(): Promise<void> {
    if (this.waits) await once(process.stdin, 'data');
    process.stdin.destroy();
  }
}

async function main({ store, useProcessExit = false, waits = false }: Application): Promise<void> {
  @Global()
  @Module({ providers: [Gate, { provide: WAITS, useValue: waits }] })
  class GateModule {}

  @Module({
    imports: [TerminusModule.forRoot({ logger: false }), DiffSyncStoreModule.forRoot(store), GateModule],
    providers: [NetworkAdapter, CmdbAdapter],
    controllers: [HealthController],
  })
  class AppModule {}

  process.once('SIGTERM', () => tell({ event: 'signal', begun }));
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'], abortOnError: false });
  app.enableShutdownHooks(['SIGTERM'], { useProcessExit });
  await app.listen(0, '127.0.0.1');
  tell({ event: 'listening', port: (app.getHttpServer().address() as AddressInfo).port });
  const [source, target] = [app.get(NetworkAdapter), app.get(CmdbAdapter)];
  process.on('exit', () => tell({ event: 'exit', isOpen: target.store.isOpen }));
  await app
    .get(SyncRunner)
    .run({ source, target, load: 'source', concurrency: 8, label: 'to be ended' })
    .catch(({ run }: { run: SyncRun }) => tell({ event: 'aborted', begun, ended, lastHook, run }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(JSON.parse(process.argv[2] ?? '') as Application);
