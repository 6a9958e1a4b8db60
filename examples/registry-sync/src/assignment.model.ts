import { DiffSyncModel } from 'nestjs-diffsync';
import { z } from 'zod';

/** One block of MAC addresses, and the organization that the IEEE has assigned it to. */
export class Assignment extends DiffSyncModel.define({
  name: 'assignment',
  schema: z.object({
    prefix: z.string().regex(/^[0-9A-F]+$/),
    organization: z.string(),
    address: z.string(),
  }),
  identifiers: ['prefix'],
  attributes: ['organization', 'address'],
}) {}
