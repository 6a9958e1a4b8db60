// What plain.cjs and plain.mjs have in common. Each passes the packages as it has loaded them.
module.exports.run = async function run(packages) {
  const { Module, NestFactory, z } = packages;
  const { Adapter, BaseStore, DiffSyncModel, DiffSyncStoreHealthIndicator, DiffSyncStoreModule } = packages;
  const { InjectStore, ObjectStoreException, STORE } = packages;

  class Device extends DiffSyncModel.define({
    name: 'device',
    schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
    identifiers: ['name'],
    attributes: ['role'],
  }) {}

  class Inventory extends Adapter {
    static models = [Device];
    static topLevel = ['device'];
    constructor(store) {
      super({ store });
    }
  }
  class Network extends Inventory {}
  class Cmdb extends Inventory {}
  InjectStore('network')(Network, undefined, 0);
  InjectStore('cmdb')(Cmdb, undefined, 0);

  const engine = process.argv[2];
  const given = {
    local: {},
    sqlite: { path: ':memory:' },
    redis: { path: process.env.REDIS_SOCKET, storeId: `plain-${process.pid}` },
  }[engine];
  class AppModule {}
  Module({
    imports: [
      DiffSyncStoreModule.forRoot({ engine, ...given, retryAttempts: 1 }),
      DiffSyncStoreModule.forFeature(['network', 'cmdb']),
    ],
    providers: [Network, Cmdb],
  })(AppModule);

  try {
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    const [network, cmdb] = [app.get(Network), app.get(Cmdb)];
    await network.addMany([new Device({ name: 'r1', role: 'spine' }), new Device({ name: 'r2' })]);
    await cmdb.syncFrom(network);
    const missing = await cmdb.get(Device, 'r3').catch((error) => error);
    const { store } = await app.get(DiffSyncStoreHealthIndicator).isHealthy('store');
    const settled = (await cmdb.diffFrom(network)).hasDiffs() ? 'differs' : 'in step';
    const one = app.get(STORE) instanceof BaseStore && missing instanceof ObjectStoreException;
    console.log(
      `${engine}: ${await cmdb.count()} devices, ${settled}, ${store.status}, ${one ? 'one copy' : 'two copies'}`,
    );
    await app.close();
  } catch (error) {
    console.log(`${engine}: ${error.code}: ${error.message}`);
    process.exitCode = 1;
  }
};
