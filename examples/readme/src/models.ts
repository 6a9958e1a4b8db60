import { DiffSyncModel } from 'nestjs-diffsync';
import { z } from 'zod';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({
    site: z.string(),
    name: z.string(),
    role: z.string().default('leaf'),
    serial: z.string().optional(),
    interfaces: z.array(z.string()).default([]),
  }),
  identifiers: ['site', 'name'], // which object it is, joined with "__"
  attributes: ['role', 'serial'], // what a diff compares
  children: { interface: 'interfaces' }, // the field that lists the unique ids of objects of another model
  shortname: ['name'], // optional: enough among the children of one parent
}) {
  get isSpine(): boolean {
    return this.role === 'spine'; // the fields have the types that the schema puts out
  }
}

/** The same devices in a system that knows no serial numbers. */
class CmdbDevice extends Device.variant({ attributes: ['role'] }) {}

const device = new Device({ site: 'nyc', name: 'r1' });
console.log(device.getUniqueId(), device.getShortname(), device.isSpine);
console.log(device.getIdentifiers(), device.getAttrs());
console.log(CmdbDevice.definition.attributes);

try {
  const input: unknown = { site: 'nyc', name: 'r2', role: 7 };
  await Device.parse(input as never); // as `new`, and for schemas with asynchronous parts too
} catch (error) {
  console.log(String(error));
}
