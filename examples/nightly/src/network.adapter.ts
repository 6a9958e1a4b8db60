import { Inject, Injectable } from '@nestjs/common';
import { Adapter, InjectStore, type BaseStore } from 'nestjs-diffsync';
import { z } from 'zod';
import { Address, Device, Interface } from './inventory.models.js';

/** The address of the HTTP service that knows the network: the source of truth. */
export const NETWORK_URL = Symbol('NETWORK_URL');

const REQUEST_TIMEOUT_MS = 30_000;

const page = z.object({
  total: z.number(),
  /** Where the next page begins; null behind the last. */
  next: z.string().nullable(),
  devices: z.array(
    z.object({
      name: z.string(),
      role: z.string(),
      site: z.string(),
      interfaces: z.array(z.object({ name: z.string(), speed: z.number(), addresses: z.array(z.string()) })),
    }),
  ),
});

type DeviceOfPage = z.output<typeof page>['devices'][number];

/** The network, read page by page. */
@Injectable()
export class NetworkAdapter extends Adapter {
  static override readonly models = [Device, Interface, Address];
  static override readonly topLevel = ['device'];

  constructor(
    @InjectStore('network') store: BaseStore,
    @Inject(NETWORK_URL) private readonly url: string,
  ) {
    super({ name: 'network', store });
  }

  override async load(): Promise<void> {
    let done = 0;
    for (let after: string | null = ''; after !== null;) {
      const answer = await fetch(`${this.url}/devices?after=${encodeURIComponent(after)}`, {
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      // A page that is missing ends the load, and with it the run: what it would have named must not be deleted.
      if (!answer.ok) throw new Error(`The network's service answered ${answer.status} to a page of devices`);
      const { devices, next, total } = page.parse(await answer.json());
      await this.addMany(devices.flatMap(objectsOf));
      this.progress((done += devices.length), total);
      after = next;
    }
  }
}

function objectsOf({ name, role, site, interfaces }: DeviceOfPage): (Device | Interface | Address)[] {
  const uids = interfaces.map((each) => Interface.createUniqueId({ device: name, name: each.name }));
  return [
    new Device({ name, role, site, interfaces: uids }),
    ...interfaces.map((each) => new Interface({ device: name, ...each })),
    ...interfaces.flatMap((each) =>
      each.addresses.map((address) => new Address({ address, device: name, interface: each.name })),
    ),
  ];
}
