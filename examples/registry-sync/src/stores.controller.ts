import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { DiffSyncStoreRegistry, type BaseStore } from 'nestjs-diffsync';
import { z } from 'zod';
import { Guarded } from './api-errors.js';
import { Store } from './api-schemas.js';

/** The stores of the application, and what is in them. */
@Controller('stores')
@Guarded()
export class StoresController {
  constructor(private readonly stores: DiffSyncStoreRegistry) {}

  @Get()
  @ApiOperation({ summary: 'List the stores, with the objects of each model' })
  @ApiOkResponse({ standardSchema: z.array(Store) })
  async list(): Promise<z.infer<typeof Store>[]> {
    return Promise.all(
      this.stores.list().map(async ({ name = null, store }) => {
        const { engine, storeId = null, address = null } = store;
        return { name, engine, storeId, address, objects: await count(store) };
      }),
    );
  }
}

async function count(store: BaseStore): Promise<Record<string, number>> {
  const models = [...(await store.getAllModelNames())];
  const counts = await Promise.all(models.map((model) => store.count({ model })));
  return Object.fromEntries(models.map((model, at) => [model, counts[at] ?? 0]));
}
