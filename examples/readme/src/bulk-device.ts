import {
  DiffSyncModel,
  ObjectNotCreated,
  type BulkContext,
  type CreateItem,
  type DeleteItem,
  type UpdateItem,
} from 'nestjs-diffsync';
import { z } from 'zod';

interface DeviceIds {
  name: string;
}
interface DeviceAttrs {
  role?: string;
}

/** Stands for the client of an inventory's API. Each call answers one entry for each device, in their order. */
interface DevicesApi {
  create(devices: readonly object[]): Promise<readonly { error?: string }[]>;
  patch(changes: readonly object[]): Promise<readonly { error?: string }[]>;
  delete(names: readonly string[]): Promise<readonly { error?: string }[]>;
}

export class BulkDevice extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string() }),
  identifiers: ['name'],
  attributes: ['role'],
}) {
  static api: DevicesApi;

  static override async createBulk({ adapter, objects }: BulkContext<CreateItem<DeviceIds, DeviceAttrs>>) {
    const answers = await this.api.create(objects.map(({ ids, attrs }) => ({ ...ids, ...attrs })));
    return Promise.all(
      objects.map(async ({ ids, attrs }, at) => {
        const error = answers[at]?.error;
        // A result refuses one object: the others are created all the same.
        return error === undefined
          ? this.create({ adapter, ids, attrs })
          : new ObjectNotCreated(`${ids.name}: ${error}`);
      }),
    );
  }

  static override async updateBulk({ objects }: BulkContext<UpdateItem<BulkDevice, DeviceAttrs>>) {
    const answers = await this.api.patch(objects.map(({ model, attrs }) => ({ name: model.name, ...attrs })));
    return Promise.all(
      objects.map(async ({ model, attrs }, at) => (answers[at]?.error === undefined ? model.update(attrs) : null)),
    );
  }

  static override async deleteBulk({ objects }: BulkContext<DeleteItem<BulkDevice>>) {
    const answers = await this.api.delete(objects.map(({ model }) => model.name));
    return objects.map(({ model }, at) => (answers[at]?.error === undefined ? model : null));
  }
}
