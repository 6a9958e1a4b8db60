import { DiffSyncModel } from 'nestjs-diffsync';
import { z } from 'zod';

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string(), interfaces: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['role'],
  children: { interface: 'interfaces' },
}) {}

export class Interface extends DiffSyncModel.define({
  name: 'interface',
  schema: z.object({ device: z.string(), name: z.string(), mtu: z.number().default(1500) }),
  identifiers: ['device', 'name'],
  attributes: ['mtu'],
  shortname: ['name'],
}) {}
