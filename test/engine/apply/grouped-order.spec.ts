import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  DiffSyncModelFlags,
  LocalStore,
  ObjectNotDeleted,
  type BaseStore,
  type BulkContext,
  type CreateItem,
  type DeleteItem,
  type UpdateItem,
} from '../../../src/index.js';
import { engineStores } from '../../support/stores.js';
import { Warnings } from '../../fixtures/inventory.js';

const list = z.array(z.string()).default(() => []);
const name = z.string();
const value = z.string().default('');

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name, value, interfaces: list }),
  identifiers: ['name'],
  attributes: ['value'],
  children: { interface: 'interfaces' },
}) {}

class Interface extends DiffSyncModel.define({
  name: 'interface',
  schema: z.object({ name, value, addresses: list }),
  identifiers: ['name'],
  attributes: ['value'],
  children: { address: 'addresses' },
}) {}

class Address extends DiffSyncModel.define({
  name: 'address',
  schema: z.object({ name, value }),
  identifiers: ['name'],
  attributes: ['value'],
}) {}

class Network extends Adapter {
  static override readonly models = [Device, Interface, Address];
  static override readonly topLevel = ['device'];
}

/** A call of a bulk hook, and how many objects it got. */
type Calls = [call: string, objects: number][];

/** A network whose hooks are bulk hooks. */
function bulkNetwork(calls: Calls, store: BaseStore = new LocalStore()): Network {
  const note = (call: string, objects: readonly unknown[]): void => void calls.push([call, objects.length]);
  class BulkDevice extends Device {
    static override async createBulk({ adapter, objects }: BulkContext<CreateItem<{ name: string }>>) {
      note('create device', objects);
      return Promise.all(objects.map((item) => this.create({ adapter, ...item })));
    }
    static override async updateBulk({ objects }: BulkContext<UpdateItem<Device, { value?: string }>>) {
      note('update device', objects);
      return Promise.all(objects.map(({ model, attrs }) => model.update(attrs)));
    }
    static override async deleteBulk({ objects }: BulkContext<DeleteItem<Device>>) {
      note('delete device', objects);
      return Promise.all(objects.map(({ model }) => model.delete()));
    }
  }
  class BulkInterface extends Interface {
    static override async createBulk({ adapter, objects }: BulkContext<CreateItem<{ name: string }>>) {
      note('create interface', objects);
      return Promise.all(objects.map((item) => this.create({ adapter, ...item })));
    }
    static override async deleteBulk({ objects }: BulkContext<DeleteItem<Interface>>) {
      note('delete interface', objects);
      return Promise.all(objects.map(({ model }) => model.delete()));
    }
  }
  class BulkAddress extends Address {
    static override async createBulk({ adapter, objects }: BulkContext<CreateItem<{ name: string }>>) {
      note('create address', objects);
      return Promise.all(objects.map((item) => this.create({ adapter, ...item })));
    }
    static override async updateBulk({ objects }: BulkContext<UpdateItem<Address, { value?: string }>>) {
      note('update address', objects);
      return Promise.all(objects.map(({ model, attrs }) => model.update(attrs)));
    }
    static override async deleteBulk({ objects }: BulkContext<DeleteItem<Address>>) {
      note('delete address', objects);
      return Promise.all(objects.map(({ model }) => model.delete()));
    }
  }
  class Target extends Network {
    static override readonly models = [BulkDevice, BulkInterface, BulkAddress];
  }
  return new Target({ name: 'target', store });
}

/** Devices with 5 interfaces with 2 addresses each. */
async function network(devices: number, addressValue: (at: number) => string = () => '', flags = 0): Promise<Network> {
  const adapter = new Network({ name: 'source' });
  await adapter.addMany(treeOf(devices, addressValue, flags));
  return adapter;
}

function treeOf(devices: number, addressValue: (at: number) => string = () => '', flags = 0): DiffSyncModel[] {
  const objs: DiffSyncModel[] = [];
  for (let d = 0; d < devices; d++) {
    const device = new Device({ name: `d${d}` });
    device.modelFlags = flags;
    objs.push(device);
    for (let i = 0; i < 5; i++) {
      const port = new Interface({ name: `d${d}i${i}` });
      port.modelFlags = flags;
      device.addChild(port);
      objs.push(port);
      for (let a = 0; a < 2; a++) {
        const address = new Address({ name: `d${d}i${i}a${a}`, value: addressValue((d * 5 + i) * 2 + a) });
        port.addChild(address);
        objs.push(address);
      }
    }
  }
  return objs;
}

describe('the order of work with bulk hooks', () => {
  it('goes over the parents of one model: 25,600 new objects in a tree take 52 calls', async () => {
    const calls: Calls = [];
    const target = bulkNetwork(calls);
    const source = await network(1600);
    await target.syncFrom(source);
    expect(calls).toHaveLength(52);
    expect(calls.reduce((sum, [, objects]) => sum + objects, 0)).toBe(25_600);
    expect(calls[0]).toEqual(['create device', 500]);
    expect(calls.at(-1)).toEqual(['create address', 500]);
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
  });

  it('goes over unchanged siblings: 300 scattered updates are one call', async () => {
    const calls: Calls = [];
    const target = bulkNetwork(calls);
    await target.addMany(treeOf(300));
    await target.syncFrom(await network(300, (at) => (at % 10 === 3 ? 'changed' : '')));
    expect(calls).toEqual([['update address', 300]]);
  });

  it.each([
    ['parents first', DiffSyncModelFlags.NONE, ['device', 'interface', 'address']],
    ['children first', DiffSyncModelFlags.NATURAL_DELETION_ORDER, ['address', 'interface', 'device']],
  ])('deletes a whole subtree at a time, %s', async (_, flags, order) => {
    const calls: Calls = [];
    const target = bulkNetwork(calls);
    await target.addMany(treeOf(10, undefined, flags));
    await target.syncFrom(new Network({ name: 'source' }));
    const sizes: Record<string, number> = { device: 10, interface: 50, address: 100 };
    expect(calls).toEqual(order.map((type) => [`delete ${type}`, sizes[type]]));
    expect(await target.count()).toBe(0);
  });
});

describe('the order of work with concurrency', () => {
  it.each([
    ['as it is', false],
    ['of changes alone', true],
  ])('runs hooks below different parents at once, with a diff %s', async (_, filtered) => {
    let running = 0;
    let peak = 0;
    class Slow extends Address {
      override async update(attrs: { value?: string }) {
        peak = Math.max(peak, ++running);
        await new Promise(setImmediate);
        running--;
        return super.update(attrs);
      }
    }
    class Target extends Network {
      static override readonly models = [Device, Interface, Slow];
    }
    const target = new Target({ name: 'target' });
    await target.addMany(treeOf(30));
    const source = await network(30, (at) => (at % 10 === 3 ? 'changed' : ''));
    const compared = await target.diffFrom(source);
    const diff = filtered ? compared.filter({ actions: ['update'] }) : compared;
    await target.syncFrom(source, { diff, concurrency: 16 });
    expect(peak).toBe(16);
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
  });
});

class Location extends DiffSyncModel.define({
  name: 'location',
  schema: z.object({ name, inner: list }),
  identifiers: ['name'],
  children: { location: 'inner' },
}) {}

class Atlas extends Adapter {
  static override readonly models: readonly (typeof Location)[] = [Location];
  static override readonly topLevel = ['location'];
}

class BulkLocation extends Location {
  static override async createBulk({ adapter, objects }: BulkContext<CreateItem<{ name: string }>>) {
    return Promise.all(objects.map((item) => this.create({ adapter, ...item })));
  }
}

describe.each(engineStores)('siblings that leave one another, on the $name store', ({ open, close }) => {
  it.each<[string, typeof Location, number]>([
    ['one by one', Location, 1],
    ['two at a time', Location, 2],
    ['with bulk hooks', BulkLocation, 1],
  ])('arrive %s', async (_, model, concurrency) => {
    class Target extends Atlas {
      static override readonly models = [model];
    }
    const store = await open();
    try {
      const [source, target] = [new Atlas({ name: 'source' }), new Target({ name: 'target', store })];
      await source.addMany([new Location({ name: 'g' }), new Location({ name: 'i' })]);
      await target.addMany([
        new Location({ name: 'r', inner: ['g'] }),
        new Location({ name: 'g', inner: ['i'] }),
        new Location({ name: 'i' }),
      ]);
      await target.syncFrom(source, { concurrency });
      expect((await target.getAll(Location)).map((each) => each.toDict())).toEqual([
        { name: 'g', inner: [] },
        { name: 'i', inner: [] },
      ]);
      expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
    } finally {
      await close(store);
    }
  });
});

describe.each(engineStores)('NATURAL_DELETION_ORDER, on the $name store', ({ open, close }) => {
  async function sync(refuse: 'throws' | 'null' | 'filtered', concurrency: number) {
    const calls: string[] = [];
    class Protected extends Interface {
      override async delete() {
        calls.push(`interface ${this.name}`);
        if (this.name !== 'i1' || refuse === 'filtered') return super.delete();
        if (refuse === 'null') return null;
        throw new ObjectNotDeleted('protected by a cable');
      }
    }
    class Watched extends Device {
      override async delete() {
        calls.push(`device ${this.name}`);
        return super.delete();
      }
    }
    class Target extends Network {
      static override readonly models = [Watched, Protected, Address];
    }
    const store = await open();
    const logger = new Warnings();
    try {
      const target = new Target({ name: 'target', store, logger });
      const devices = [
        new Device({ name: 'd1', interfaces: ['i1', 'i2'] }),
        new Device({ name: 'd2', interfaces: ['i3'] }),
      ];
      for (const device of devices) device.modelFlags = DiffSyncModelFlags.NATURAL_DELETION_ORDER;
      await target.addMany([...devices, ...['i1', 'i2', 'i3'].map((each) => new Interface({ name: each }))]);
      const diff = await target.syncFrom(new Network({ name: 'source' }), {
        continueOnFailure: true,
        concurrency,
        ...(refuse === 'filtered' ? { syncFilter: (_, __, ids) => ids['name'] !== 'i1' } : {}),
      });
      return {
        calls: calls.toSorted(),
        left: [...(await target.getAll(Device)), ...(await target.getAll(Interface))].map(String),
        ports: (await target.getAll(Device)).flatMap(({ interfaces }) => interfaces),
        errors: diff.errors.length,
        message: diff.getChildren()[0]?.message,
        warnings: logger.lines.filter((line) => line.includes('Leaving out')),
      };
    } finally {
      await close(store);
    }
  }

  it.each<['throws' | 'null', number]>([
    ['throws', 1],
    ['throws', 4],
    ['null', 1],
    ['null', 4],
  ])('keeps a parent below which a delete failed (%s, concurrency %i)', async (refuse, concurrency) => {
    expect(await sync(refuse, concurrency)).toEqual({
      calls: ['device d2', 'interface i1', 'interface i2', 'interface i3'],
      left: ['d1', 'i1'],
      ports: ['i1'],
      errors: 1,
      message: 'Left out: the delete of interface i1 below it failed',
      warnings: ['device: Leaving out device d1: the delete of interface i1 below it failed'],
    });
  });

  it.each([1, 4])('deletes a parent below which a child is left on purpose (concurrency %i)', async (concurrency) => {
    expect(await sync('filtered', concurrency)).toMatchObject({
      calls: ['device d1', 'device d2', 'interface i2', 'interface i3'],
      left: ['i1'],
      errors: 0,
    });
  });
});
