import { Adapter, Diff } from 'nestjs-diffsync';
import { Device, Interface, Serial } from './models.js';

class Network extends Adapter.define({ models: [Device, Interface], topLevel: ['device'] }) {
  override async load(): Promise<void> {
    await this.add(new Device({ name: 'r1' }));
  }
}
class SavedDiff extends Diff {
  readonly saved = true;
}
class Plain extends Adapter {
  static override readonly models = [Device, Interface];
  static override readonly topLevel = ['device'];
}

/** An adapter that is defined by its models knows their names and fields. */
export async function right(network: Network, other: Plain): Promise<unknown> {
  const diff = await network.diffFrom(other, {
    modelTypes: ['device'],
    filters: { device: (device) => device.role === 'leaf', interface: (port) => port.mtu > 1500 },
    syncAttrs: { device: ['role'] },
  });
  for (const element of diff.getChildren()) {
    if (element.type === 'interface') {
      const { device, name }: { device: string; name: string } = element.keys;
      const mtu: number | undefined = element.getAttrsDiffs()['+']?.mtu;
      return [device, name, mtu];
    }
  }
  await network.syncFrom(other, { diff: diff.filter({ actions: ['create'], modelTypes: ['device'] }) });
  const saved: SavedDiff = await network.diffFrom(other, { diffClass: SavedDiff });
  const synced: SavedDiff = await other.syncFrom(network, { diff: saved });
  await other.diffFrom(network, { filters: { device: (device: Device) => device.role === 'leaf' } });
  await other.diffFrom(network, { filters: { device: (device) => device.role === 'leaf' } });
  await network.loadFromDict({ device: { r1: { name: 'r1' } } });
  return [diff.operations.get('device'), synced.saved, await network.getAll(Device)];
}

export async function wrong(network: Network, other: Plain): Promise<void> {
  // @ts-expect-error a misspelt model
  Adapter.define({ models: [Device, Interface], topLevel: ['devcie'] });
  // @ts-expect-error models has no "interface", of which another model has children
  Adapter.define({ models: [Device], topLevel: ['device'] });
  // @ts-expect-error an object of another model
  await network.add(new Serial({ name: 'r1', serial: 'x' }));
  // @ts-expect-error
  await network.diffFrom(other, { modelTypes: ['devcie'] });
  // @ts-expect-error
  await network.diffFrom(other, { filters: { devcie: () => true } });
  // @ts-expect-error another model's objects
  await network.diffFrom(other, { filters: { device: (port: Interface) => port.mtu > 1 } });
  // @ts-expect-error the same, of an adapter that does not know its models
  await other.diffFrom(network, { filters: { device: (port: Interface) => port.mtu > 1 } });
  // @ts-expect-error
  await network.diffFrom(other, { syncAttrs: { device: ['rolle'] } });
  // @ts-expect-error
  await network.syncFrom(other, { excludeAttrs: { device: ['rolle'] } });
  // @ts-expect-error
  await network.loadFromDict({ device: { r1: { nmae: 5 } } });
  const diff = await network.diffFrom(other);
  // @ts-expect-error
  diff.filter({ modelTypes: ['devcie'] });
  // @ts-expect-error
  diff.operations.get('devcie');
  for (const element of diff.getChildren()) {
    // @ts-expect-error no model has this name
    if (element.type === 'devcie') return;
    // @ts-expect-error no model has this identifier
    void element.keys['nmae'];
  }
  // @ts-expect-error what a sync did is not written by others
  diff.operations = new Map();
}
