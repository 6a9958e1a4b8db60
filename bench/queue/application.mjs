/** What the processes of the benchmark of the queue share: two adapters in Redis, and the application around them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { entryPoint } from '../build.mjs';
import { ATTRIBUTES, trusting } from '../inventories.mjs';

const { Adapter, DiffSyncModel, DiffSyncStoreModule, getStoreToken } = await entryPoint('.');
const { DiffSyncQueueModule } = await entryPoint('./bullmq');

let hookMs = 0;

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: trusting,
  identifiers: ['name'],
  attributes: ATTRIBUTES,
}) {
  static async create(context) {
    if (hookMs > 0) await sleep(hookMs); // The call of another system.
    return super.create(context);
  }
}

class Inventory extends Adapter {
  static models = [Device];
  static topLevel = ['device'];
}

/**
 * Starts an application with both sides.
 * @param order - `url` of the server, `name` of stores and queues, `hookMs`, and `worker`: the options of the queue's workers, `false`
 *   for none, undefined for no queue.
 */
export async function start(order) {
  hookMs = order.hookMs ?? 0;
  const { hostname: host, port } = new URL(order.url);
  const queue = { connection: { host, port: Number(port) }, name: order.name, worker: order.worker };
  const sides = ['network', 'cmdb'].map((name) => ({
    provide: name,
    useFactory: (store) => new Inventory({ name, store }),
    inject: [getStoreToken(name)],
  }));
  const module = {
    module: class Application {},
    imports: [
      DiffSyncStoreModule.forRoot({ engine: 'redis', url: order.url, storeId: order.name }),
      DiffSyncStoreModule.forFeature(['network', 'cmdb']),
      ...(order.worker === undefined ? [] : [DiffSyncQueueModule.forRoot(queue)]),
    ],
    providers: sides,
  };
  return NestFactory.createApplicationContext(module, { logger: ['error', 'warn'], abortOnError: false });
}
