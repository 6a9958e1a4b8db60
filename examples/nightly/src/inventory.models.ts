import { DiffSyncModel } from 'nestjs-diffsync';
import { z } from 'zod';

/** A device, as both systems have it. */
export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({
    name: z.string(),
    role: z.string(),
    site: z.string(),
    interfaces: z.array(z.string()).default([]),
  }),
  identifiers: ['name'],
  attributes: ['role', 'site'],
  children: { interface: 'interfaces' },
}) {}

/** An interface of a device. */
export class Interface extends DiffSyncModel.define({
  name: 'interface',
  schema: z.object({
    device: z.string(),
    name: z.string(),
    speed: z.number(),
    addresses: z.array(z.string()).default([]),
  }),
  identifiers: ['device', 'name'],
  attributes: ['speed'],
  children: { address: 'addresses' },
}) {}

/** An address of an interface. Its place is an attribute too, because a row of the database has it. */
export class Address extends DiffSyncModel.define({
  name: 'address',
  schema: z.object({ address: z.string(), device: z.string(), interface: z.string() }),
  identifiers: ['address'],
  attributes: ['device', 'interface'],
}) {}
