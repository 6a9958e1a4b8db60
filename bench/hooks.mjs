import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { entryPoint } from './build.mjs';
import { time } from './measure.mjs';

const { Adapter, DiffSyncModel } = await entryPoint('.');

/** One in so many siblings differs. */
const SCATTER = 10;
export const HOOK_MS = 2;
export const CONCURRENCY = 16;
/** 1,600 devices with 5 interfaces each, each with 2 addresses, of a size of 100,000. */
const DEVICE_SHARE = 0.016;
const INTERFACES = 5;
const ADDRESSES = 2;
export const BATCH_SIZE = 500;
/** The goals: beside hooks one at a time, and of all bulk calls for the tree. */
export const MIN_SPEED_UP = 10;
export const MAX_BULK_CALLS = 60;

const trusting = { '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value }) } };

function define(name, attributes, children = {}) {
  return DiffSyncModel.define({ name, schema: trusting, identifiers: ['name'], attributes, children });
}

class Sibling extends define('sibling', ['role']) {
  async update(attrs) {
    await sleep(HOOK_MS); // The call of another system.
    return super.update(attrs);
  }
}

class Siblings extends Adapter {
  static models = [Sibling];
  static topLevel = ['sibling'];
}

/** Counts the calls of every model's `createBulk`. */
let bulkCalls = 0;
function withBulk(model, lists) {
  return class extends model {
    static async createBulk({ objects }) {
      bulkCalls++;
      assert.ok(objects.length <= BATCH_SIZE);
      return objects.map(({ ids, attrs }) => this.hydrate({ ...ids, ...attrs, ...lists() }));
    }
  };
}

const Device = withBulk(define('device', ['role'], { interface: 'interfaces' }), () => ({ interfaces: [] }));
const Interface = withBulk(define('interface', ['mtu'], { address: 'addresses' }), () => ({ addresses: [] }));
const Address = withBulk(define('address', ['mask']), () => ({}));

class Tree extends Adapter {
  static models = [Device, Interface, Address];
  static topLevel = ['device'];
}

export function updatesOf(size) {
  return Math.ceil(size / SCATTER);
}

export function updatesRow(size) {
  const [updates, siblings] = [updatesOf(size), size].map((each) => each.toLocaleString('en'));
  return `${updates} scattered updates among ${siblings} siblings, a ${HOOK_MS} ms hook, concurrency ${CONCURRENCY}`;
}

function devicesOf(size) {
  return Math.max(1, Math.round(size * DEVICE_SHARE));
}

export function createsOf(size) {
  return devicesOf(size) * (1 + INTERFACES + INTERFACES * ADDRESSES);
}

export function bulkRow(size) {
  return `${createsOf(size).toLocaleString('en')} new objects in a tree of three levels, bulk hooks of ${BATCH_SIZE}`;
}

export function bulkCallsRow(size) {
  return `${bulkRow(size)}: bulk calls`;
}

/** Measures the sync of scattered updates; its diff is made before. */
export async function measureUpdates(size, samples) {
  const [source, target] = await Promise.all(
    ['source', 'target'].map(async (name) => {
      const adapter = new Siblings({ name });
      const roleOf = (number) => (name === 'source' && number % SCATTER === 0 ? 'spine' : 'leaf');
      await adapter.addMany(
        Array.from({ length: size }, (_, number) => Sibling.hydrate({ name: `s${number}`, role: roleOf(number) })),
      );
      return adapter;
    }),
  );
  const diff = await target.diffFrom(source);
  const sync = await time(() => target.syncFrom(source, { diff, concurrency: CONCURRENCY }));
  assert.equal(diff.operations.get('sibling')?.update.length, updatesOf(size));
  samples.add(updatesRow(size), sync.ms);
}

/** Measures the creation of a tree by bulk hooks, and counts their calls. */
export async function measureBulkCreates(size, samples) {
  const source = new Tree({ name: 'source' });
  const objects = [];
  for (let number = 0; number < devicesOf(size); number++) {
    const interfaces = Array.from({ length: INTERFACES }, (_, at) => `d${number}-e${at}`);
    objects.push(Device.hydrate({ name: `d${number}`, role: 'leaf', interfaces }));
    for (const name of interfaces) {
      const addresses = Array.from({ length: ADDRESSES }, (_, at) => `${name}-a${at}`);
      objects.push(Interface.hydrate({ name, mtu: 1500, addresses }));
      for (const address of addresses) objects.push(Address.hydrate({ name: address, mask: 24 }));
    }
  }
  await source.addMany(objects);
  const target = new Tree({ name: 'target' });
  const diff = await target.diffFrom(source);
  bulkCalls = 0;
  const sync = await time(() => target.syncFrom(source, { diff, batchSize: BATCH_SIZE }));
  assert.equal(await target.count(), createsOf(size));
  assert.equal((await target.diffFrom(source)).hasDiffs(), false);
  samples.add(bulkRow(size), sync.ms);
  samples.add(bulkCallsRow(size), bulkCalls);
}
