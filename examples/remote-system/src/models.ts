import { DiffSyncModel } from 'nestjs-diffsync';
import { z } from 'zod';

export class Region extends DiffSyncModel.define({
  name: 'region',
  schema: z.object({ name: z.string(), countries: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  children: { country: 'countries' },
}) {}

export class Country extends DiffSyncModel.define({
  name: 'country',
  schema: z.object({
    code: z.string(),
    region: z.string(),
    name: z.string(),
    capital: z.string(),
    currency: z.string(),
  }),
  identifiers: ['code'],
  attributes: ['region', 'name', 'capital', 'currency'],
}) {}
