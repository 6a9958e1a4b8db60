/** An application with a queue, as the tests and their worker processes have it: a source that is loaded, and a target in Redis. */
import { Injectable, type DynamicModule } from '@nestjs/common';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  DiffSyncStoreModule,
  InjectStore,
  type BaseStore,
  type CreateContext,
} from '../../src/index.js';
import { DiffSyncQueueModule, type DiffSyncQueueExtras, type DiffSyncQueueOptions } from '../../src/bullmq/index.js';

/** What happens inside of hooks and loads, which a test sets. */
export const during = {
  async load(): Promise<void> {},
  async create(_name: string, _idempotencyKey: string | undefined): Promise<void> {},
};

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string() }),
  identifiers: ['name'],
  attributes: ['role'],
}) {
  static override async create(context: CreateContext<{ name: string }, { role?: string }>) {
    await during.create(context.ids.name, context.idempotencyKey);
    return super.create(context);
  }
}

/** How many devices the source has, and their role. */
export const content = { devices: 40, role: 'leaf' };

abstract class Inventory extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
}

@Injectable()
export class Network extends Inventory {
  constructor(@InjectStore('network') store: BaseStore) {
    super({ name: 'network', store });
  }

  override async load(): Promise<void> {
    const all = Array.from({ length: content.devices }, (_, at) => new Device({ name: `d${at}`, role: content.role }));
    await this.addMany(all);
    await during.load();
  }
}

@Injectable()
export class Cmdb extends Inventory {
  constructor(@InjectStore('cmdb') store: BaseStore) {
    super({ name: 'cmdb', store });
  }

  // Nothing is loaded: the store is the target itself.
  override async load(): Promise<void> {
    throw new Error('the target is not loaded');
  }
}

/** Where the servers are, and how the queue of the test is called. */
export interface Place {
  readonly store:
    | { readonly url: string }
    | { readonly sentinels: object[]; readonly masterName: string }
    | { readonly cluster: object };
  readonly queue: DiffSyncQueueOptions & DiffSyncQueueExtras;
  readonly storeId: string;
}

/** The module of the application. @param adapters - Which adapters it has. */
export function inventory({ store, queue, storeId }: Place, adapters = [Network, Cmdb]): DynamicModule {
  return {
    module: class InventoryModule {},
    imports: [
      DiffSyncStoreModule.forRoot({ engine: 'redis', storeId, ...store } as never),
      DiffSyncStoreModule.forFeature(['network', 'cmdb']),
      DiffSyncQueueModule.forRoot(queue),
    ],
    providers: adapters,
  };
}

/** A promise that its owner resolves. */
export function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** Workers that look for stalled jobs and renew locks often, for tests of them. */
export const HASTY = { lockDuration: 1500, stalledInterval: 500, drainDelay: 1 };
