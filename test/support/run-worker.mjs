/** A process that makes one run into a store that others share. Its parent sends it what to do; it answers in plain values. */
import { once } from 'node:events';
import { z } from 'zod';
import { Adapter } from '../../dist/adapter/adapter.js';
import { DiffSyncModel } from '../../dist/model/diffsync-model.js';
import { SyncRunner } from '../../dist/runs/sync-runner.js';
import { LocalStore } from '../../dist/store/local/local.store.js';
import { RedisStore } from '../../dist/store/redis/index.js';
import { SqliteStore } from '../../dist/store/sqlite/index.js';
import { devicesOf } from './run-content.mjs';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string() }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

class System extends Adapter {
  static models = [Device];
  static topLevel = ['device'];
  during = async () => undefined;
  version = 0;

  async load() {
    const devices = devicesOf(this.version).map((fields) => new Device(fields));
    for (let at = 0; at < devices.length; at += 20) {
      await this.addMany(devices.slice(at, at + 20));
      this.progress(at, devices.length);
      await this.during();
    }
  }
}

const send = (message) => new Promise((resolve) => process.send(message, resolve));

const TASKS = {
  /** Begins its run when all are ready; who may run stays in its load until it is told that all others have answered. */
  async start({ source, target, number }) {
    const go = once(process, 'message');
    await send('ready');
    await go;
    const over = once(process, 'message');
    source.during = async () => {
      source.during = async () => undefined;
      await send('loading');
      await over;
    };
    try {
      const run = await new SyncRunner().run({ source, target, load: 'source', by: `worker ${number}` });
      await send({ outcome: run.outcome });
    } catch ({ code, holder }) {
      await send({ code, by: holder?.by });
      await over;
    }
  },

  /** Ends its own process in a step of its run. */
  async die({ source, target, phase, step }) {
    let steps = 0;
    const onProgress = (now) => {
      if (now === phase && ++steps === step) process.kill(process.pid, 'SIGKILL');
    };
    const syncFilter = () => {
      onProgress('filter');
      return true;
    };
    const exclusive = { ttlMs: 1000, waitMs: 60_000 };
    const how = { load: 'source', verify: true, guards: { maxDeletePercent: 100 }, exclusive, syncFilter, onProgress };
    const run = await new SyncRunner().run({ source, target, ...how });
    await send({ outcome: run.outcome });
  },
};

const STORES = { RedisStore, SqliteStore };
const [{ storeClass, options, task, version, ...how }] = await once(process, 'message');
const { [storeClass]: Store } = STORES;
const store = new Store(options);
await store.open();
const source = new System({ name: 'network', store: new LocalStore() });
source.version = version;
await TASKS[task]({ source, target: new System({ name: 'cmdb', store }), ...how });
await store.close();
process.disconnect();
