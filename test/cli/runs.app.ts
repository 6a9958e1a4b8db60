/** An application as a user has one: its package by name, its CMDB in a SQLite file, its network in the environment. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Injectable, Module, Scope, type OnModuleDestroy } from '@nestjs/common';
import {
  Adapter,
  DiffSyncModel,
  DiffSyncStoreModule,
  InjectStore,
  type BaseStore,
  type CreateContext,
} from 'nestjs-diffsync';
import { z } from 'zod';

/** What the command was given: one process runs many of them. */
const mode = (): string | undefined => process.env['APP_MODE'];

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf'), password: z.string().default('') }),
  identifiers: ['name'],
  attributes: ['role', 'password'],
  secret: ['password'],
}) {
  static override async create(context: CreateContext<{ name: string }, { role?: string }>) {
    if (mode() === 'failing') throw new Error(`postgres://cmdb:geheim@db/inventory refuses ${context.ids.name}`);
    return super.create(context);
  }
}

@Injectable()
export class NetworkAdapter extends Adapter implements OnModuleDestroy {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('network') store: BaseStore) {
    super({ store });
  }

  override async load(): Promise<void> {
    if (mode() === 'unreachable') throw new Error('redis://:geheim@network:6379 does not answer');
    if (mode() === 'stuck') {
      // A timer that holds no process open.
      await setTimeout(50, undefined, { ref: false });
      process.stderr.write('loading\n');
      await once(this.loadSignal, 'abort');
    }
    const devices = JSON.parse(process.env['APP_NETWORK'] ?? '[]') as { name: string }[];
    for (const device of devices) await this.add(await Device.parse(device));
    this.progress(devices.length, devices.length);
  }

  onModuleDestroy(): void {
    if (mode() === 'stuck') process.stderr.write('closed\n');
  }
}

@Injectable()
export class CmdbAdapter extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('cmdb') store: BaseStore) {
    super({ store });
  }

  /** What the CMDB has is in its store. */
  override async load(): Promise<void> {
    await this.add(new Device({ name: 'loaded' }));
  }
}

/** One for each request, and so for each command. */
@Injectable({ scope: Scope.REQUEST })
export class ScopedAdapter extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];

  override async load(): Promise<void> {
    await this.add(new Device({ name: 'scoped' }));
  }
}

export const aNumber = 5;

@Module({})
export class EmptyModule {}

@Module({
  imports: [
    DiffSyncStoreModule.forRootAsync({
      useFactory: () => ({ engine: 'sqlite', path: process.env['APP_DATABASE'] ?? '', storeId: 'inventory' }),
    }),
    DiffSyncStoreModule.forFeature(['network', 'cmdb']),
  ],
  providers: [NetworkAdapter, CmdbAdapter, ScopedAdapter],
})
export class InventoryModule {}

@Module({ providers: [{ provide: 'LEFT_OPEN', useFactory: () => setInterval(() => undefined, 60_000) }] })
export class OpenModule {}

/** Does not start. */
@Module({
  providers: [
    {
      provide: 'DATABASE',
      useFactory: () => Promise.reject(new Error('redis://user:geheim@host:6379 is not there')),
    },
  ],
})
export class WrongModule {}
