import { Injectable } from '@nestjs/common';
import { Adapter, type BaseStore, InjectStore } from 'nestjs-diffsync';
import { Device, Interface } from './inventory.models.js';

/** The source of truth. A real one asks its system here: by HTTP, SQL or SSH. */
@Injectable()
export class NetworkAdapter extends Adapter {
  static override readonly models = [Device, Interface];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('network') store: BaseStore) {
    super({ name: 'network', store });
  }

  override async load(): Promise<void> {
    for (const name of ['r1', 'r2']) {
      const device = new Device({ name, role: 'spine' });
      await this.add(device);
      await this.add(new Interface({ device: name, name: 'eth0', mtu: 9000 }), { parent: device });
    }
  }
}

/** The system that is brought up to date. */
@Injectable()
export class CmdbAdapter extends Adapter {
  static override readonly models = [Device, Interface];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('cmdb') store: BaseStore) {
    super({ name: 'cmdb', store });
  }

  override async load(): Promise<void> {
    await this.addMany([new Device({ name: 'r1', role: 'leaf' }), new Device({ name: 'r9', role: 'leaf' })]);
  }
}
