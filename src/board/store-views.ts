import { Injectable } from '@nestjs/common';
import {
  DiffSyncError,
  DiffSyncStoreHealthIndicator,
  SyncRunner,
  type BaseStore,
  type RegisteredStore,
  type StoreHealth,
} from '../index.js';
import type { BoardHealth, ModelCount, StoreSize, StoreView } from './board-api.js';
import { Catalog } from './catalog.js';

/** Milliseconds that a store has to say how it is, and how many objects it has. */
const ANSWER_MS = 5000;
/** Runs among which the last one that has changed a store is looked for. */
const LAST_RUNS = 20;

/** How the stores are, and what is in them. A store that does not answer is shown as such. */
@Injectable()
export class StoreViews {
  constructor(
    private readonly catalog: Catalog,
    private readonly health: DiffSyncStoreHealthIndicator,
    private readonly runner: SyncRunner,
  ) {}

  async all(): Promise<StoreView[]> {
    return Promise.all(this.catalog.stores().map((each) => this.view(each)));
  }

  async one(name: string): Promise<StoreView> {
    return this.view(this.catalog.store(name));
  }

  private async view({ name, store }: RegisteredStore): Promise<StoreView> {
    const [health, models, lastChange] = await Promise.all([
      this.healthOf(name),
      ifAnswered(countsOf(store)),
      ifAnswered(this.lastChange(store)),
    ]);
    return {
      store: name ?? '',
      title: name === undefined ? String(store) : `${name} (${store.storeId ?? store.engine})`,
      engine: store.engine,
      storeId: store.storeId ?? null,
      address: store.address ?? null,
      adapters: this.catalog.adaptersOn(store).map((adapter) => adapter.name),
      health,
      models,
      objects: models && models.reduce((sum, { count }) => sum + count, 0),
      size: sizeOf(health),
      lastChange,
    };
  }

  private async healthOf(name: string | undefined): Promise<BoardHealth> {
    const options = { store: name, timeout: ANSWER_MS, allowDegraded: true } as const;
    const { store } = await this.health.isHealthy('store', options);
    const { status, responseTime, reason, code, message, engine: _, storeId: __, ...details } = withoutPasswords(store);
    return {
      status,
      responseTime,
      ...(reason === undefined ? {} : { reason }),
      ...(code === undefined ? {} : { code }),
      ...(message === undefined ? {} : { message }),
      details,
    };
  }

  private async lastChange(store: BaseStore): Promise<StoreView['lastChange']> {
    const signal = AbortSignal.timeout(ANSWER_MS);
    for (const target of this.catalog.adaptersOn(store)) {
      const { runs } = await this.runner.history(target).list({ limit: LAST_RUNS, signal });
      const last = runs.find(({ results }) => results !== undefined && results.done > 0);
      if (last !== undefined) return { at: last.endedAt ?? last.startedAt, target: target.name, run: last.id };
    }
    return null;
  }
}

type Health = StoreHealth<'store', 'up' | 'degraded' | 'down'>['store'];

/** What a server says in an error may have the address that it was reached by. */
function withoutPasswords(health: Health): Health {
  const { message } = health;
  return message === undefined ? health : { ...health, message: message.replaceAll(/:\/\/[^\s/@]*@/g, '://') };
}

async function countsOf(store: BaseStore): Promise<ModelCount[]> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const models = await store.getAllModelNames({ signal });
  return Promise.all(models.map(async (model) => ({ model, count: await store.count({ model, signal }) })));
}

function sizeOf({ details: { disk, memory } }: BoardHealth): StoreSize | null {
  if (disk !== undefined) return { bytes: disk.fileBytes + disk.logBytes, of: 'file' };
  return memory === undefined ? null : { bytes: memory.usedBytes, of: 'server' };
}

/** Resolves to null where the store does not answer: its health says why. */
async function ifAnswered<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DiffSyncError) return null;
    throw error;
  }
}
