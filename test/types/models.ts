import { z } from 'zod';
import { DiffSyncModel } from 'nestjs-diffsync';

export class Interface extends DiffSyncModel.define({
  name: 'interface',
  schema: z.object({ device: z.string(), name: z.string(), mtu: z.number().default(1500) }),
  identifiers: ['device', 'name'],
  attributes: ['mtu'],
}) {}

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({
    name: z.string(),
    role: z.string().default('leaf'),
    vlan: z.number().optional(),
    interfaces: z.array(z.string()).default([]),
  }),
  identifiers: ['name'],
  attributes: ['role', 'vlan'],
  children: { interface: 'interfaces' },
}) {}

export class Serial extends DiffSyncModel.define({
  name: 'serial',
  schema: z.object({ name: z.string(), serial: z.string() }),
  identifiers: ['name'],
  attributes: ['serial'],
}) {}
