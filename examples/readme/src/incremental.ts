import { Adapter } from 'nestjs-diffsync';
import { SqliteStore } from 'nestjs-diffsync/sqlite';
import { Device } from './device.js';

class Inventory extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
}

class Network extends Inventory {
  /** Stands for a system whose first device has another role every night. */
  nights = 0;

  override async load(): Promise<void> {
    const names = Array.from({ length: 1000 }, (_, number) => `r${number + 1}`);
    await this.addMany(names.map((name) => new Device({ name, role: name === 'r1' ? `role ${this.nights}` : 'leaf' })));
    this.nights++;
  }
}

/** Makes a file with a log of changes equal, night after night, to a source that lives as long as the process. */
export async function syncNightly(path: string, nights: number): Promise<void> {
  const store = await SqliteStore.connect({ path, storeId: 'cmdb', changeLog: true });
  const [network, cmdb] = [new Network({ name: 'network' }), new Inventory({ name: 'cmdb', store })];
  for (let night = 0; night < nights; night++) {
    await network.reload(); // Only what differs is written, and stands in the log of the source's store.
    const diff = await cmdb.syncFrom(network, { incremental: true, fullCompareEvery: 10 });
    console.log(diff.incremental, diff.fullBecause, diff.summary().update);
  }
  await store.close();
}
