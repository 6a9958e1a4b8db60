/** Both systems: the models, the source that is read from NetBox, and the CMDB. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import {
  Adapter,
  type AttrsOf,
  type BaseStore,
  type CreateContext,
  DiffSyncModel,
  type IdentifiersOf,
  InjectStore,
} from 'nestjs-diffsync';
import { z } from 'zod';

const PAGE = 100;
/** How long the CMDB takes to create something. */
const CREATE_MS = 20;

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

/** A device in the CMDB, whose API is slow. */
class CmdbDevice extends Device {
  static override async create(context: CreateContext<IdentifiersOf<typeof Device>, AttrsOf<typeof Device>>) {
    process.send?.(context.ids.name); // For who watches this process.
    await sleep(CREATE_MS);
    return super.create(context);
  }
}

@Injectable()
export class NetboxAdapter extends Adapter {
  static override readonly models = [Device, Interface];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('netbox') store: BaseStore) {
    super({ name: 'netbox', store });
  }

  override async load(): Promise<void> {
    const ports = new Map<string, string[]>();
    for await (const { name, device, mtu } of this.pages('interfaces', INTERFACE)) {
      const port = new Interface({ device: device.name, name, mtu });
      ports.set(device.name, [...(ports.get(device.name) ?? []), port.getUniqueId()]);
      await this.add(port);
    }
    for await (const { name, role } of this.pages('devices', DEVICE)) {
      await this.add(new Device({ name, role: role.slug, interfaces: ports.get(name) ?? [] }));
    }
  }

  private async *pages<T>(list: string, schema: z.ZodType<T>): AsyncGenerator<T, void, undefined> {
    const answers = z.object({ count: z.number(), results: z.array(schema) });
    for (let offset = 0, count = 1; offset < count; offset += PAGE) {
      const url = `${process.env['NETBOX_URL']}/api/dcim/${list}/?limit=${PAGE}&offset=${offset}`;
      const headers = { authorization: `Token ${process.env['NETBOX_TOKEN']}` };
      const answer = await fetch(url, { headers, signal: this.loadSignal });
      if (!answer.ok) throw new Error(`NetBox answered ${answer.status} to ${list}`);
      const page = answers.parse(await answer.json());
      count = page.count;
      yield* page.results;
    }
  }
}

const DEVICE = z.object({ name: z.string(), role: z.object({ slug: z.string() }) });
const INTERFACE = z.object({ name: z.string(), device: z.object({ name: z.string() }), mtu: z.number() });

@Injectable()
export class CmdbAdapter extends Adapter {
  static override readonly models = [CmdbDevice, Interface];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('cmdb') store: BaseStore) {
    super({ name: 'cmdb', store });
  }
}
