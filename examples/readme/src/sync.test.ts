import { expect, it } from '@jest/globals'; // or from 'vitest'
import { Adapter } from 'nestjs-diffsync';
import { Device } from './device.js';

it('calls the hook for what differs, and leaves nothing to do', async () => {
  const updates: unknown[] = [];
  class RecordedDevice extends Device {
    override async update(attrs: { role?: string }) {
      updates.push([this.name, attrs]);
      return super.update(attrs);
    }
  }
  class Inventory extends Adapter {
    static override readonly models = [RecordedDevice];
    static override readonly topLevel = ['device'];
  }
  const [network, cmdb] = [new Inventory({ name: 'network' }), new Inventory({ name: 'cmdb' })];
  await network.add(new RecordedDevice({ name: 'r1', role: 'spine' }));
  await cmdb.add(new RecordedDevice({ name: 'r1' }));

  const diff = await cmdb.diffFrom(network);
  expect(diff.summary()).toMatchObject({ create: 0, update: 1, delete: 0 });
  await cmdb.syncFrom(network, { diff });
  expect(updates).toEqual([['r1', { role: 'spine' }]]);
  expect((await cmdb.diffFrom(network)).hasDiffs()).toBe(false);
});
