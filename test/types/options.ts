import { ConfigModule, ConfigService, type ConfigType } from '@nestjs/config';
import {
  diffSyncStoreConfig,
  DiffSyncStoreModule,
  LocalStore,
  SerialStore,
  type BaseStoreOptions,
  type CopyStoreOptions,
  type DiffSyncStoreOptions,
  type ModelRecord,
  type Selection,
  type SyncOptions,
} from 'nestjs-diffsync';
import { RedisStore } from 'nestjs-diffsync/redis';
import { SqliteStore } from 'nestjs-diffsync/sqlite';

/** A store with a required option of its own. */
class LogStore extends SerialStore {
  readonly engine = 'log';
  constructor(readonly options: BaseStoreOptions & { readonly folder: string; readonly days?: number | undefined }) {
    super(options);
  }
  override scope(options: { readonly storeId: string; readonly name?: string }): LogStore {
    return new LogStore({ folder: this.options.folder, ...options });
  }
  protected override async connect(): Promise<void> {}
  protected override async disconnect(): Promise<void> {}
  protected override async probe(): Promise<void> {}
  protected override async listModels(): Promise<string[]> {
    return [];
  }
  protected override async listUids(): Promise<string[]> {
    return [];
  }
  protected override async readRecord(): Promise<ModelRecord | undefined> {
    return undefined;
  }
  protected override async writeRecord(): Promise<void> {}
  protected override async removeRecord(): Promise<boolean> {
    return true;
  }
}

const { env } = process;
const forRoot = DiffSyncStoreModule.forRoot.bind(DiffSyncStoreModule);
const nodes = [{ host: 'a', port: 1 }];
const credentials = async ({ signal }: { signal: AbortSignal }) => ({ password: signal.aborted ? 'x' : 'y' });

/** What may be missing in a configuration may be undefined in an option. */
export const right = [
  forRoot({ engine: 'local', name: env['NAME'], isGlobal: env['GLOBAL'] === undefined ? undefined : true }),
  forRoot({ engine: 'redis', url: env['URL'], db: undefined }),
  forRoot(env['URL'] === undefined ? { engine: 'local' } : { engine: 'redis', url: env['URL'] }),
  forRoot({ engine: 'redis', sentinels: nodes, masterName: 'm', sentinelPassword: env['SECRET'] }),
  forRoot({ engine: 'redis', cluster: { nodes }, shards: 2, scaleReads: 'all' }),
  forRoot({ engine: LogStore, folder: 'x', days: undefined, storeId: env['ID'] }),
  forRoot({ engine: SqliteStore, path: 'x' }),
  forRoot({ engine: RedisStore, host: 'x', port: 1 }),
  forRoot({ engine: new LocalStore() }),
  forRoot({ engine: 'redis', url: 'redis://a', credentials, password: undefined }),
  forRoot({ engine: 'redis', path: '/a', credentials: () => ({ username: env['NAME'], password: 'p' }) }),
  forRoot({ engine: 'redis', cluster: { nodes }, credentials: env['VAULT'] === undefined ? undefined : credentials }),
  forRoot({ engine: 'redis', sentinels: nodes, masterName: 'm', sentinelPassword: 'p', credentials }),
  forRoot({ engine: RedisStore, host: 'x', credentials }),
  DiffSyncStoreModule.forRootAsync(diffSyncStoreConfig.asProvider()),
  DiffSyncStoreModule.forRootAsync({ name: 'cmdb', ...diffSyncStoreConfig('cmdb').asProvider() }),
  ConfigModule.forRoot({ load: [diffSyncStoreConfig, diffSyncStoreConfig('cmdb')] }),
  // The parameters are what is injected.
  DiffSyncStoreModule.forRootAsync({
    inject: [ConfigService],
    useFactory: (config) => ({ engine: 'redis', url: config.get<string>('URL') }),
  }),
  DiffSyncStoreModule.forRootAsync({
    inject: ['FOLDER'],
    useFactory: (folder: string) => ({ engine: LogStore, folder }),
  }),
  DiffSyncStoreModule.forFeature([{ name: 'a', storeId: env['ID'] }]),
];

/** What `@Inject(diffSyncStoreConfig.KEY)` injects. */
export function storeIdOf(config: ConfigType<typeof diffSyncStoreConfig>): string | undefined {
  const options: DiffSyncStoreOptions = config;
  return options.storeId;
}

/** Options can be filled step by step. */
export function optionsOf(limit: number | undefined): [SyncOptions, Selection, CopyStoreOptions] {
  const sync: SyncOptions = {};
  sync.maxDeletes = limit;
  sync.modelTypes = undefined;
  const selection: Selection = {};
  selection.actions = ['create'];
  const copy: CopyStoreOptions = {};
  copy.batchSize = limit;
  return [sync, selection, copy];
}

export const wrong = [
  // @ts-expect-error no address
  () => forRoot({ engine: 'redis' }),
  // @ts-expect-error two ways at once
  () => forRoot({ engine: 'redis', url: 'redis://a', host: 'b' }),
  // @ts-expect-error
  () => forRoot({ engine: 'redis', cluster: { nodes }, db: 1 }),
  // @ts-expect-error half a way
  () => forRoot({ engine: 'redis', sentinels: nodes }),
  // @ts-expect-error an option of another way
  () => forRoot({ engine: 'redis', url: 'redis://a', shards: 2 }),
  // @ts-expect-error
  () => forRoot({ engine: 'redis', url: 'redis://a', urll: 'x' }),
  // @ts-expect-error
  () => new RedisStore({ path: '/a', tls: {} }),
  // @ts-expect-error two ways to log in
  () => forRoot({ engine: 'redis', url: 'redis://a', credentials, password: 'p' }),
  // @ts-expect-error
  () => new RedisStore({ credentials, username: 'u' }),
  // @ts-expect-error a client has its own
  () => forRoot({ engine: 'redis', client: new RedisStore() as never, credentials }),
  // @ts-expect-error no password
  () => forRoot({ engine: 'redis', url: 'redis://a', credentials: () => ({ username: 'u' }) }),
  // @ts-expect-error the configuration of a store with a name makes no other one
  () => diffSyncStoreConfig('a')('b'),
  // @ts-expect-error a required option of the class
  () => forRoot({ engine: LogStore }),
  // @ts-expect-error
  () => forRoot({ engine: LogStore, folder: 5 }),
  // @ts-expect-error
  () => forRoot({ engine: LogStore, folder: 'x', day: 1 }),
  // @ts-expect-error
  () => forRoot({ engine: SqliteStore }),
  // @ts-expect-error no store
  () => forRoot({ engine: Map }),
  // @ts-expect-error an engine that nobody has checked
  () => forRoot({ engine: env['ENGINE'] }),
  () =>
    DiffSyncStoreModule.forRootAsync({
      inject: [ConfigService],
      // @ts-expect-error not what is injected
      useFactory: (config: Map<string, string>) => ({ engine: 'redis', url: config.get('URL') }),
    }),
  () =>
    DiffSyncStoreModule.forRootAsync({
      // @ts-expect-error nothing is injected
      useFactory: (config: ConfigService) => ({ engine: 'redis', url: config.get<string>('URL') }),
    }),
  // @ts-expect-error the name of a store stands beside the factory
  () => DiffSyncStoreModule.forRootAsync({ useFactory: () => ({ engine: 'local', name: 'a' }) }),
  // @ts-expect-error
  () => DiffSyncStoreModule.forRootAsync({}),
];
