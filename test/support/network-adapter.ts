import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Adapter, BaseStore, DiffSyncModel, InjectStore } from '../../src/index.js';

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

/** An application's adapter, on the store "network". */
@Injectable()
export class NetworkAdapter extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('network') store: BaseStore) {
    super({ store });
  }
}
