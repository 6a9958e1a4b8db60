/**
 * An application as its author compiles it, for `npm run verify:package`: two adapters on stores of one engine, a sync, the health
 * check, the end. `node application.js ENGINE` prints a line.
 */
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Adapter,
  BaseStore,
  DiffSyncModel,
  DiffSyncStoreHealthIndicator,
  DiffSyncStoreModule,
  InjectStore,
  ObjectStoreException,
  STORE,
  type BuiltInEngineOptions,
} from 'nestjs-diffsync';
import { z } from 'zod';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

@Injectable()
class Network extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('network') store: BaseStore) {
    super({ store });
  }

  override async load(): Promise<void> {
    await this.addMany([new Device({ name: 'r1', role: 'spine' }), new Device({ name: 'r2' })]);
  }
}

@Injectable()
class Cmdb extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('cmdb') store: BaseStore) {
    super({ store });
  }
}

const engines: Record<string, BuiltInEngineOptions> = {
  local: { engine: 'local' },
  sqlite: { engine: 'sqlite', path: ':memory:' },
  redis: { engine: 'redis', path: process.env['REDIS_SOCKET'], storeId: `application-${process.pid}` },
};
const engine = process.argv[2] ?? 'local';

@Module({
  imports: [
    DiffSyncStoreModule.forRoot({ ...(engines[engine] ?? { engine: 'local' }), retryAttempts: 1 }),
    DiffSyncStoreModule.forFeature(['network', 'cmdb']),
  ],
  providers: [Network, Cmdb],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  const [network, cmdb] = [app.get(Network), app.get(Cmdb)];
  await network.load();
  await cmdb.syncFrom(network);
  const missing: unknown = await cmdb.get(Device, 'r3').catch((error: unknown) => error);
  const { store } = await app.get(DiffSyncStoreHealthIndicator).isHealthy('store');
  const settled = (await cmdb.diffFrom(network)).hasDiffs() ? 'differs' : 'in step';
  const one = app.get<BaseStore>(STORE) instanceof BaseStore && missing instanceof ObjectStoreException;
  console.log(
    `${engine}: ${await cmdb.count()} devices, ${settled}, ${store?.status}, ${one ? 'one copy' : 'two copies'}`,
  );
  await app.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
