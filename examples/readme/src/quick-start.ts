import { z } from 'zod';
import { Adapter, DiffSyncModel } from 'nestjs-diffsync';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

class Inventory extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
}

const [network, cmdb] = [new Inventory({ name: 'network' }), new Inventory({ name: 'cmdb' })];
await network.addMany([new Device({ name: 'r1', role: 'spine' }), new Device({ name: 'r2' })]);
await cmdb.add(new Device({ name: 'r1' }));

const diff = await cmdb.diffFrom(network);
console.log(diff.toString());
await cmdb.syncFrom(network, { diff });
console.log((await cmdb.diffFrom(network)).toString());
