import { Adapter } from 'nestjs-diffsync';
import { SqliteStore } from 'nestjs-diffsync/sqlite';
import { Device } from './device.js';

class Inventory extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
}

/** Stands for a system of 1,000 devices, the first of which has another role every night. */
class Network extends Inventory {
  override async load(night: number): Promise<void> {
    const names = Array.from({ length: 1000 }, (_, number) => `r${number + 1}`);
    await this.addMany(names.map((name) => new Device({ name, role: name === 'r1' ? `role ${night}` : 'leaf' })));
  }
}

/** A nightly job: the source is loaded anew, the target is a file that keeps a log of changes. */
export async function syncNightly(path: string, night: number): Promise<void> {
  const store = await SqliteStore.connect({ path, storeId: 'cmdb', changeLog: true });
  const [network, cmdb] = [new Network({ name: 'network' }), new Inventory({ name: 'cmdb', store })];
  await network.load(night);
  const diff = await cmdb.syncFrom(network, { incremental: true, fullCompareEvery: 10 });
  console.log(diff.incremental, diff.fullBecause, diff.summary().update);
  await store.close();
}
