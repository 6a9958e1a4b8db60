import { readFile } from 'node:fs/promises';
import { Injectable, Module } from '@nestjs/common';
import { Adapter, type BaseStore, DiffSyncModel, DiffSyncStoreModule, InjectStore } from 'nestjs-diffsync';
import { z } from 'zod';

export class Service extends DiffSyncModel.define({
  name: 'service',
  schema: z.object({ name: z.string(), description: z.string(), ports: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['description'],
  children: { port: 'ports' },
}) {}

export class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ service: z.string(), number: z.number(), transport: z.enum(['tcp', 'udp', 'sctp']) }),
  identifiers: ['service', 'number', 'transport'],
  shortname: ['number', 'transport'],
}) {}

const row = z.tuple([z.string(), z.coerce.number(), z.enum(['tcp', 'udp', 'sctp']), z.string()]);

/** Lines that name a service and one of its ports; how often a service is named, and where first, is not known. */
@Injectable()
export class ServicesAdapter extends Adapter {
  static override readonly models = [Service, Port];
  static override readonly topLevel = ['service'];

  constructor(@InjectStore('services') store: BaseStore) {
    super({ name: 'services', store });
  }

  /** The registry: the first line that names a service describes it. */
  async loadRegistry(): Promise<{ services: number; ports: number }> {
    const added = { services: 0, ports: 0 };
    for (const [name, number, transport, description] of await rowsOf('iana.csv')) {
      const [service, isNew] = await this.getOrInstantiate(Service, { name }, { description });
      if (isNew) added.services++;
      const [port, isNewPort] = await this.getOrAddModelInstance(new Port({ service: name, number, transport }));
      if (!isNewPort) continue;
      added.ports++;
      service.addChild(port); // saved by the store by itself
    }
    return added;
  }

  /** What the site says of services goes over what the registry says, and adds to it. */
  async loadSite(): Promise<{ added: string[]; changed: string[] }> {
    const names = { added: new Set<string>(), changed: new Set<string>() };
    for (const [name, number, transport, description] of await rowsOf('site.csv')) {
      const [service, isNew] = await this.updateOrInstantiate(Service, { name }, { description });
      if (isNew) names.added.add(name);
      else if (!names.added.has(name)) names.changed.add(name);
      const [port, isNewPort] = await this.updateOrAddModelInstance(new Port({ service: name, number, transport }));
      if (isNewPort) service.addChild(port);
    }
    return { added: [...names.added], changed: [...names.changed] };
  }
}

async function rowsOf(file: string): Promise<z.output<typeof row>[]> {
  const text = await readFile(new URL(`../data/${file}`, import.meta.url), 'utf8');
  const [, ...lines] = text.trimEnd().split('\n');
  return lines.map((line) => row.parse(line.split(',')));
}

@Module({
  imports: [
    DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'inventory' }),
    DiffSyncStoreModule.forFeature(['services']),
  ],
  providers: [ServicesAdapter],
})
export class AppModule {}
