import { z } from 'zod';
import { entryPoint } from '../build.mjs';
import { ATTRIBUTES } from '../inventories.mjs';

const { Adapter, DiffSyncModel } = await entryPoint('.');

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({
    name: z.string(),
    role: z.string(),
    site: z.string(),
    vendor: z.string(),
    model: z.string(),
    serial: z.string(),
    osVersion: z.string(),
    mgmtIp: z.string(),
    enabled: z.boolean(),
    rack: z.number().default(0),
    tags: z.array(z.string()).default([]),
  }),
  identifiers: ['name'],
  attributes: ATTRIBUTES,
}) {}

export class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string(), region: z.string(), devices: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['region'],
  children: { device: 'devices' },
}) {}

export class Tree extends Adapter {
  static models = [Site, Device];
  static topLevel = ['site'];
}

export class Flat extends Adapter {
  static models = [Device];
  static topLevel = ['device'];
}
