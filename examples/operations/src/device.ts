import { DiffSyncModel } from 'nestjs-diffsync';
import { z } from 'zod';

/** A device of the inventory. */
export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}
