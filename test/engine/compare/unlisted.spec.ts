import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, DiffSyncModel, LocalStore, type DiffSyncLogger } from '../../../src/index.js';

const list = z.array(z.string()).default([]);

class Rack extends DiffSyncModel.define({
  name: 'rack',
  schema: z.object({ name: z.string(), devices: list }),
  identifiers: ['name'],
  children: { device: 'devices' },
}) {}

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), ports: list }),
  identifiers: ['name'],
  children: { port: 'ports' },
}) {}

class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

/** Racks list devices, which are at the top too where no rack lists them. */
class Network extends Adapter.define({ models: [Rack, Device, Port], topLevel: ['rack', 'device'] }) {}

const logger: DiffSyncLogger = { isEnabled: () => false, debug() {}, info() {}, warning() {}, error() {} };

describe('objects that no parent lists', () => {
  it('are counted beside lists that name what does not exist, on either side', async () => {
    const [source, target] = ['source', 'target'].map(
      (name) => new Network({ name, store: new LocalStore(), logger }),
    ) as [Network, Network];
    for (const { store } of [source, target]) await store.add({ obj: new Port({ name: 'unlisted' }) });
    await source.store.add({ obj: new Device({ name: 'd', ports: ['gone'] }) });
    await target.store.add({ obj: new Device({ name: 'd', ports: [] }) });

    const diff = await target.diffFrom(source);
    expect(diff.unlisted).toEqual({ port: { source: 1, target: 1 } });
    expect(diff.danglingLinks.source).toHaveLength(1);
    expect((await source.diffFrom(target)).unlisted).toEqual({ port: { source: 1, target: 1 } });
  });
});
