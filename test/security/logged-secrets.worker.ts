/** An application that meets fault after fault, and writes all there is to write: Nest's JSON logger, verbosity 2, every error. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ConsoleLogger, Logger, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  DiffSyncStoreHealthIndicator,
  DiffSyncStoreModule,
  getStoreToken,
  SyncRunner,
  type BaseStore,
  type BuiltInEngineOptions,
} from '../../src/index.js';

/** Where things are, and what must not show. */
export interface FaultSetting {
  /** With a password. */
  readonly url: string;
  readonly wrongUrl: string;
  /** The value of every secret attribute has it. */
  readonly mark: string;
  readonly folder: string;
}

/** What the test does to the server, which has no other way to know of it. */
export type ServerFault = 'pause' | 'resume' | 'kill' | 'restart' | 'fill' | 'empty' | 'follow' | 'lead' | 'damage';

let mark = '';
const secret = (suffix: string): string => `${mark}-${suffix}`;

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({
    name: z.string(),
    password: z.string().superRefine((value, context) => {
      if (value.endsWith('!')) context.addIssue({ code: 'custom', message: `"${value}" ends with "!"` });
    }),
  }),
  identifiers: ['name'],
  attributes: ['password'],
  secret: ['password'],
}) {
  override async update(attrs: { readonly password?: string }): Promise<this> {
    throw new Error(`502: no ${String(attrs.password)} here`);
  }
}

class Inventory extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
  names: readonly string[] = [];
  suffix = '1';

  override async load(): Promise<void> {
    await this.addMany(this.names.map((name) => new Device({ name, password: secret(this.suffix) })));
  }
}

const loud = { verbosity: 2, retryAttempts: 2, retryDelay: 10 } as const;
const logger = new Logger('Application');

async function application(options: BuiltInEngineOptions): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(
    {
      module: class App {},
      imports: [DiffSyncStoreModule.forRoot(options), DiffSyncStoreModule.forFeature(['network', 'cmdb'])],
    },
    { logger: new ConsoleLogger({ json: true }), abortOnError: false },
  );
}

/** Logs what an application would: the error, with all its causes. */
async function report(fault: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
    logger.log(`Fault passed: ${fault}`);
  } catch (error) {
    logger.error(`Fault met: ${fault}`, error);
    logger.error(error);
  }
}

async function make(fault: ServerFault): Promise<void> {
  process.send?.({ fault });
  await once(process, 'message');
}

/** Syncs of an adapter that loads, with all kinds of ends. */
async function runs(app: INestApplicationContext): Promise<void> {
  const [source, target] = ['network', 'cmdb'].map(
    (name) => new Inventory({ name, store: app.get<BaseStore>(getStoreToken(name)) }),
  ) as [Inventory, Inventory];
  const runner = app.get(SyncRunner);
  source.names = Array.from({ length: 40 }, (_, at) => `d${at}`);
  target.names = source.names.slice(0, 30);
  target.suffix = '2';
  // What a hook throws is the author's; that it has a secret in it shows in no line of ours, and the author's is not logged here.
  await report('hooks that throw', () => runner.run({ source, target, continueOnFailure: true }));
  await report('a second run', async () => {
    const both = await Promise.allSettled([1, 2].map(() => runner.run({ source, target, dryRun: true })));
    for (const each of both) if (each.status === 'rejected') throw each.reason;
  });
  const ending = new AbortController();
  const onBegin = (): void => ending.abort(new Error('enough'));
  await report('a signal', () => runner.run({ source, target, signal: ending.signal, onBegin }));
  const plan = await runner.run({ source, target, load: 'none', dryRun: true });
  await target.store.remove({ obj: await target.get(Device, 'd1') });
  await report('a stale plan', () => runner.apply(plan.id, { source, target, load: 'none' }));
  source.names = [];
  await report('an empty source', () => runner.run({ source, target }));
  await report('a value that is refused', () => target.add(new Device({ name: 'x', password: secret('!') })));
  await report('an object that differs', () => target.add(new Device({ name: 'd2', password: secret('3') })));
  await report('health', () => app.get(DiffSyncStoreHealthIndicator).isHealthy());
}

/** Calls of a store whose server has a fault. */
async function calls(app: INestApplicationContext, fault: string): Promise<void> {
  const store = app.get<BaseStore>(getStoreToken('cmdb'));
  const obj = new Device({ name: 'new', password: secret('4') });
  await report(`${fault}: read`, () => store.getAll({ model: Device }));
  await report(`${fault}: write`, () => store.updateMany({ objs: [obj] }));
  await report(`${fault}: health`, () => app.get(DiffSyncStoreHealthIndicator).isHealthy());
}

async function main({ url, wrongUrl, folder }: FaultSetting): Promise<void> {
  await report('a wrong password', () => application({ engine: 'redis', url: wrongUrl, storeId: 'faults', ...loud }));
  await report('a folder for a file', () => application({ engine: 'sqlite', path: folder, ...loud }));
  writeFileSync(`${folder}/text.db`, `${mark} is no database, and long enough to be looked at as one. `.repeat(100));
  await report('a text for a file', () => application({ engine: 'sqlite', path: `${folder}/text.db`, ...loud }));
  for (const options of [
    { engine: 'local', ...loud } as const,
    { engine: 'sqlite', path: `${folder}/faults.db`, ...loud } as const,
    { engine: 'redis', url, storeId: 'faults', timeout: 1000, ...loud } as const,
  ]) {
    const app = await application(options);
    await runs(app);
    if (options.engine === 'redis') {
      for (const [fault, heal] of [
        ['damage', undefined],
        ['fill', 'empty'],
        ['follow', 'lead'],
        ['pause', 'resume'],
        ['kill', 'restart'],
      ] as const) {
        await make(fault);
        await calls(app, fault);
        if (heal !== undefined) await make(heal);
      }
    }
    await app.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', (setting: FaultSetting) => {
    mark = setting.mark;
    void main(setting).finally(() => process.disconnect());
  });
}
