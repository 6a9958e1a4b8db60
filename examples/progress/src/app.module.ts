import { Injectable, Module } from '@nestjs/common';
import { Adapter, type BaseStore, DiffSyncModel, DiffSyncStoreModule, InjectStore } from 'nestjs-diffsync';
import { z } from 'zod';

export class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ number: z.number(), speed: z.number() }),
  identifiers: ['number'],
  attributes: ['speed'],
}) {}

abstract class Ports extends Adapter {
  static override readonly models = [Port];
  static override readonly topLevel = ['port'];
}

/** Every port. */
@Injectable()
export class ControllerAdapter extends Ports {
  constructor(@InjectStore('controller') store: BaseStore) {
    super({ name: 'controller', store });
  }

  override async load(count: number): Promise<void> {
    await this.addMany(Array.from({ length: count }, (_, number) => new Port({ number, speed: 10_000 })));
  }
}

/** Two of three, every fourth of them with another speed. */
@Injectable()
export class InventoryAdapter extends Ports {
  constructor(@InjectStore('inventory') store: BaseStore) {
    super({ name: 'inventory', store });
  }

  override async load(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, number) => number).filter((number) => number % 3 !== 0);
    await this.addMany(numbers.map((number) => new Port({ number, speed: number % 4 === 0 ? 1_000 : 10_000 })));
  }
}

@Module({
  imports: [
    DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'ports' }),
    DiffSyncStoreModule.forFeature(['controller', 'inventory']),
  ],
  providers: [ControllerAdapter, InventoryAdapter],
})
export class AppModule {}
