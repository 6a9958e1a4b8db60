import { DiffSyncModel } from 'nestjs-diffsync';
import { z } from 'zod';

export class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ code: z.string(), devices: z.array(z.string()).default([]) }),
  identifiers: ['code'],
  children: { device: 'devices' },
}) {}

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string(), interfaces: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['role'],
  children: { interface: 'interfaces' },
}) {}

export class Interface extends DiffSyncModel.define({
  name: 'interface',
  schema: z.object({ device: z.string(), name: z.string(), description: z.string() }),
  identifiers: ['device', 'name'],
  attributes: ['description'],
  shortname: ['name'],
}) {}
