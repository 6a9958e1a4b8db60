import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  DiffSyncModelFlags,
  DiffSyncStatus,
  ObjectNotUpdated,
  type BaseStore,
} from '../../../src/index.js';
import { Warnings } from '../../fixtures/inventory.js';
import { engineStores } from '../../support/stores.js';

const fields = z.object({
  name: z.string(),
  role: z.string().default(''),
  note: z.string().optional(),
  ports: z.array(z.string()).default(() => []),
});
const declared = {
  name: 'device',
  schema: fields,
  identifiers: ['name'],
  attributes: ['role'],
  children: { port: 'ports' },
} as const;

class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}
class Device extends DiffSyncModel.define(declared) {}

class Source extends Adapter {
  static override readonly models = [Device, Port];
  static override readonly topLevel = ['device'];
}

/** A target whose update hook does this. */
function target(store: BaseStore, update: (device: Device, attrs: { role?: string }) => Promise<Device>): Adapter {
  class Hooked extends Device {
    override async update(attrs: { role?: string }) {
      return update(this, attrs) as Promise<this>;
    }
  }
  class Target extends Adapter {
    static override readonly models = [Hooked, Port];
    static override readonly topLevel = ['device'];
  }
  return new Target({ name: 'target', store, logger: new Warnings() });
}

async function setRole(device: Device, { role = '' }: { role?: string }): Promise<Device> {
  device.role = role;
  device.setStatus(DiffSyncStatus.SUCCESS);
  return device;
}

async function source(role = 'spine', ports: string[] = []): Promise<Adapter> {
  const adapter = new Source({ name: 'source' });
  await adapter.addMany([new Device({ name: 'd', role, ports }), ...ports.map((name) => new Port({ name }))]);
  return adapter;
}

const sharedStores = engineStores.filter(({ shared }) => shared);

describe.each(sharedStores)('an update while another process writes, on the $name store', ({ open, close }) => {
  async function withTwo(
    meanwhile: (others: BaseStore) => Promise<void>,
    check: (adapter: Adapter, others: BaseStore) => Promise<void>,
    concurrency = 1,
  ): Promise<void> {
    const storeId = randomUUID();
    const [mine, others] = [await open({ storeId }), await open({ storeId })];
    try {
      const adapter = target(mine, async (device, attrs) => {
        await meanwhile(others);
        await others.flush();
        return setRole(device, attrs);
      });
      await adapter.add(new Device({ name: 'd', role: 'leaf', note: 'old' }));
      await adapter.syncFrom(await source(), { concurrency });
      await check(adapter, others);
    } finally {
      await others.close();
      await close(mine);
    }
  }

  it.each([1, 4])(
    'keeps the fields, links and flags that others save meanwhile (concurrency %i)',
    async (concurrency) => {
      await withTwo(
        async (others) => {
          const theirs = await others.get({ model: Device, identifier: 'd' });
          theirs.note = 'theirs';
          theirs.ports = ['p'];
          theirs.modelFlags = DiffSyncModelFlags.NATURAL_DELETION_ORDER;
          await others.add({ obj: new Port({ name: 'p' }) });
          await others.update({ obj: theirs });
        },
        async (adapter) => {
          const device = await adapter.get(Device, 'd');
          expect(device.toDict()).toEqual({
            name: 'd',
            role: 'spine',
            note: 'theirs',
            ports: ['p'],
            modelFlags: DiffSyncModelFlags.NATURAL_DELETION_ORDER,
          });
        },
        concurrency,
      );
    },
  );

  it('leaves an object deleted that another process has deleted', async () => {
    await withTwo(
      async (others) => others.remove({ obj: new Device({ name: 'd' }) }),
      async (adapter) => expect(await adapter.count()).toBe(0),
    );
  });
});

describe.each(engineStores)('what a hook returns, on the $name store', ({ open, close }) => {
  async function withTarget(
    update: Parameters<typeof target>[1],
    work: (adapter: Adapter) => Promise<void>,
  ): Promise<void> {
    const store = await open();
    try {
      const adapter = target(store, update);
      await adapter.addMany([
        new Device({ name: 'd', role: 'leaf', note: 'old', ports: ['p1', 'p2'] }),
        ...['p1', 'p2'].map((name) => new Port({ name })),
      ]);
      await work(adapter);
    } finally {
      await close(store);
    }
  }

  it('may be another object of the same unique id: what it does not say stays, and so do the child lists', async () => {
    await withTarget(
      async (device, { role = '' }) => new Device({ name: device.name, role }),
      async (adapter) => {
        const from = await source('spine', ['p1', 'p2', 'p3']);
        await adapter.syncFrom(from);
        expect((await adapter.get(Device, 'd')).toDict()).toEqual({
          name: 'd',
          role: 'spine',
          note: 'old',
          ports: ['p1', 'p2', 'p3'],
        });
        expect((await adapter.diffFrom(from)).hasDiffs()).toBe(false);
      },
    );
  });

  it('is asked for the changed attributes, and for what it says besides them', async () => {
    await withTarget(
      async (device, { role = '' }) => new Device({ name: device.name, role, note: 'of the platform' }),
      async (adapter) => {
        await adapter.syncFrom(await source('spine', ['p1', 'p2']));
        expect((await adapter.get(Device, 'd')).note).toBe('of the platform');
      },
    );
  });

  it('leaves defaults and flags of another object alone, and takes a cleared attribute from it', async () => {
    const wide = {
      ...declared,
      schema: fields.extend({
        role: z.string().optional(),
        serial: z.string().default('none'),
        site: z.string().optional(),
      }),
      attributes: ['role', 'serial', 'site'],
    } as const;
    class Wide extends DiffSyncModel.define(wide) {}
    class Answering extends Wide {
      override async update(attrs: { role?: string | undefined; serial?: string; site?: string | undefined }) {
        return new Answering({ name: this.name, ...attrs }) as this;
      }
    }
    const [ours, theirs] = [Wide, Answering].map(
      (model) =>
        class extends Adapter {
          static override readonly models = [model, Port];
          static override readonly topLevel = ['device'];
        },
    ) as [typeof Source, typeof Source];
    const store = await open();
    try {
      const [from, to] = [new ours({ name: 'from' }), new theirs({ name: 'to', store, logger: new Warnings() })];
      const known = new Answering({ name: 'd', role: 'leaf', serial: 'S1', site: 'ams' });
      known.modelFlags = DiffSyncModelFlags.NATURAL_DELETION_ORDER;
      await to.add(known);
      for (const change of [{ role: 'spine' }, { role: undefined }, { role: 'leaf', serial: 'none' }]) {
        await from.update(new Wide({ name: 'd', serial: 'S1', site: 'ams', ...change }));
        const diff = await to.syncFrom(from, { verify: true });
        expect(diff.unsettled).toBeUndefined();
        const stored = await to.get(Answering, 'd');
        expect({ role: undefined, ...stored.getAttrs() }).toEqual({ serial: 'S1', site: 'ams', ...change });
        expect(stored.modelFlags).toBe(DiffSyncModelFlags.NATURAL_DELETION_ORDER);
      }
    } finally {
      await close(store);
    }
  });

  it('with another unique id is the failure of that object, and nothing of it is saved', async () => {
    await withTarget(
      async (_, { role = '' }) => new Device({ name: 'other', role }),
      async (adapter) => {
        const diff = await adapter.diffFrom(await source('spine', ['p1', 'p2']));
        await adapter.syncFrom(await source('spine', ['p1', 'p2']), { diff, continueOnFailure: true });
        expect(diff.errors.map(({ error, location }) => [error.constructor, error.code, location.uniqueId])).toEqual([
          [ObjectNotUpdated, 'OBJECT_NOT_UPDATED', 'd'],
        ]);
        expect(diff.errors[0]?.error.message).toBe(
          'Failed to update device "d" - its hook returned device "other"; it returns the same object, or one with the same ' +
            'unique id',
        );
        expect((await adapter.getAll(Device)).map(({ name, role }) => [name, role])).toEqual([['d', 'leaf']]);
      },
    );
  });

  it('that cannot be stored is the failure of that object, and no list names it', async () => {
    class Bad extends Port {
      static override async create() {
        return Object.assign(new Bad({ name: 'p3' }), { secret: () => 1 });
      }
    }
    class Target extends Adapter {
      static override readonly models = [Device, Bad];
      static override readonly topLevel = ['device'];
    }
    const store = await open();
    try {
      const adapter = new Target({ name: 'target', store, logger: new Warnings() });
      await adapter.add(new Device({ name: 'd', role: 'spine' }));
      const from = await source('spine', ['p3']);
      const diff = await adapter.syncFrom(from, { continueOnFailure: true });
      expect(diff.errors.map(({ location }) => [location.action, location.model, location.uniqueId])).toEqual([
        ['create', 'port', 'p3'],
      ]);
      expect((await adapter.get(Device, 'd')).ports).toEqual([]);
      expect(await adapter.count(Port)).toBe(0);
      expect((await adapter.diffFrom(from)).summary()).toMatchObject({ create: 1 });
    } finally {
      await close(store);
    }
  });

  it('of a create may list children already: they are linked when they are created', async () => {
    class Made extends Device {
      static override async create() {
        return new Made({ name: 'd', role: 'spine', ports: ['p1', 'p9'] });
      }
    }
    class Target extends Adapter {
      static override readonly models = [Made, Port];
      static override readonly topLevel = ['device'];
    }
    const store = await open();
    try {
      const adapter = new Target({ name: 'target', store, logger: new Warnings() });
      const from = await source('spine', ['p1', 'p2']);
      await adapter.syncFrom(from);
      expect((await adapter.get(Device, 'd')).ports).toEqual(['p1', 'p2']);
      expect((await adapter.diffFrom(from)).hasDiffs()).toBe(false);
    } finally {
      await close(store);
    }
  });
});
