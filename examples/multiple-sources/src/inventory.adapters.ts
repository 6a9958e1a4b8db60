import { readFile } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { Adapter, type BaseStore, InjectStore } from 'nestjs-diffsync';
import { z } from 'zod';
import { Device, Interface, Site } from './models.js';

/** Sites, their devices, and what is written at their interfaces. */
const inventory = z.record(
  z.string(),
  z.record(z.string(), z.object({ role: z.string(), interfaces: z.record(z.string(), z.string()) })),
);

/** One of three systems that know the same network; here each is a file of `data`. */
abstract class InventoryAdapter extends Adapter {
  static override readonly models = [Site, Device, Interface];
  static override readonly topLevel = ['site'];

  override async load(): Promise<void> {
    const text = await readFile(new URL(`../data/${this.name}.json`, import.meta.url), 'utf8');
    for (const [code, devices] of Object.entries(inventory.parse(JSON.parse(text)))) {
      const site = new Site({ code });
      await this.add(site);
      for (const [name, { role, interfaces }] of Object.entries(devices)) {
        const device = new Device({ name, role });
        await this.add(device, { parent: site });
        for (const [port, description] of Object.entries(interfaces))
          await this.add(new Interface({ device: name, name: port, description }), { parent: device });
      }
    }
  }
}

@Injectable()
export class DiscoveryAdapter extends InventoryAdapter {
  constructor(@InjectStore('discovery') store: BaseStore) {
    super({ name: 'discovery', store });
  }
}

@Injectable()
export class CmdbAdapter extends InventoryAdapter {
  constructor(@InjectStore('cmdb') store: BaseStore) {
    super({ name: 'cmdb', store });
  }
}

@Injectable()
export class MonitoringAdapter extends InventoryAdapter {
  constructor(@InjectStore('monitoring') store: BaseStore) {
    super({ name: 'monitoring', store });
  }
}
