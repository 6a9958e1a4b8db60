import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, DiffSyncModel } from '../../src/index.js';

class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string(), mtu: z.number() }),
  identifiers: ['name'],
  attributes: ['mtu'],
}) {}

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), ports: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  children: { port: 'ports' },
}) {}

class Inventory extends Adapter {
  static override readonly models = [Device, Port];
  static override readonly topLevel = ['device'];
}

const PORTS = 48;

async function inventoryOf(mtu: number): Promise<Inventory> {
  const inventory = new Inventory();
  const ports = Array.from({ length: PORTS }, (_, at) => new Port({ name: `p${at}`, mtu }));
  await inventory.addMany([new Device({ name: 'd', ports: ports.map(({ name }) => name) }), ...ports]);
  return inventory;
}

/** Waits, without giving way, until the clock has gone on by more than long work may take. @returns true */
function workLong(): boolean {
  const end = performance.now() + 11;
  while (performance.now() < end);
  return true;
}

/** Counts the iterations of the event loop while `work` runs. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let [turns, over] = [0, false];
  const turn = (): void => {
    turns++;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  over = true;
  return turns;
}

describe('In memory, where nothing is waited for, the event loop goes on', () => {
  it('during a comparison', async () => {
    const [source, target] = [await inventoryOf(1500), await inventoryOf(9000)];
    const filters = { port: workLong };
    expect(await turnsDuring(() => target.diffFrom(source, { filters }))).toBeGreaterThan(PORTS / 16);
  });

  it.each([1, 4])('during a sync with concurrency %d', async (concurrency) => {
    const [source, target] = [await inventoryOf(1500), await inventoryOf(9000)];
    const diff = await target.diffFrom(source);
    const options = { diff, concurrency, syncFilter: workLong };
    expect(await turnsDuring(() => target.syncFrom(source, options))).toBeGreaterThan(PORTS / 16);
    expect(diff.operations.get('port')?.update).toHaveLength(PORTS);
  });

  it('while objects are shown and counted', async () => {
    class SlowPort extends Port {
      override getUniqueId(): string {
        workLong();
        return super.getUniqueId();
      }
    }
    class Slow extends Adapter {
      static override readonly models = [Device, SlowPort];
      static override readonly topLevel = ['device'];
    }
    const slow = new Slow();
    const ports = Array.from({ length: 16 }, (_, at) => new SlowPort({ name: `p${at}`, mtu: 1 }));
    await slow.addMany([new Device({ name: 'd', ports: ports.map(({ name }) => name) }), ...ports]);
    expect(await turnsDuring(() => slow.str())).toBeGreaterThan(2);
    expect(await turnsDuring(() => slow.toDict())).toBeGreaterThan(0);
  });

  it('while all children of one parent are removed', async () => {
    const inventory = await inventoryOf(1500);
    const device = await inventory.get(Device, 'd');
    const names = [...device.ports];
    device.ports[Symbol.iterator] = function* () {
      for (const name of names) {
        workLong();
        yield name;
      }
      return undefined;
    };
    const removed = (): Promise<void> => inventory.store.removeMany({ objs: [device], removeChildren: true });
    expect(await turnsDuring(removed)).toBeGreaterThan(PORTS / 16);
    expect(await inventory.count()).toBe(0);
  });
});
