import { Adapter, DiffSyncModel } from 'nestjs-diffsync';
import { z } from 'zod';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string(), interfaces: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['role'],
  children: { interface: 'interfaces' },
}) {}

class Interface extends DiffSyncModel.define({
  name: 'interface',
  schema: z.object({ device: z.string(), name: z.string(), mtu: z.number() }),
  identifiers: ['device', 'name'],
  attributes: ['mtu'],
}) {}

/** The adapter knows its models: a misspelt name or attribute does not compile. */
class Network extends Adapter.define({ models: [Device, Interface], topLevel: ['device'] }) {
  override async load(): Promise<void> {
    const device = new Device({ name: 'r1', role: 'spine' });
    await this.add(device);
    await this.add(new Interface({ device: 'r1', name: 'eth0', mtu: 9000 }), { parent: device });
  }
}

const network = new Network({ name: 'network' });
await network.load();

console.log(await network.count(), (await network.get('interface', 'r1__eth0')).mtu);
console.log(await network.getOrNone(Device, { name: 'r9' }));

const device = await network.get(Device, 'r1');
device.role = 'leaf'; // a copy: others see it once it is updated
await network.update(device);

console.log(network.getTreeTraversal());
console.log(await network.str());
