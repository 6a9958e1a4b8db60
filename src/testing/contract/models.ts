import type { StandardSchemaV1 } from '@standard-schema/spec';
import { DiffSyncModel } from '../../model/diffsync-model.js';

/** Makes a schema of required fields, and of optional fields with their defaults. It drops unknown fields. */
function fields<Needed extends object, Optional extends object>(
  needed: readonly (keyof Needed & string)[],
  optional: () => Optional,
): StandardSchemaV1<Needed & Partial<Optional>, Needed & Optional> {
  return {
    '~standard': {
      version: 1,
      vendor: 'nestjs-diffsync contract',
      validate: (input) => {
        const given: object = typeof input === 'object' && input !== null ? input : {};
        const missing = needed.filter((field) => !Object.hasOwn(given, field));
        if (missing.length > 0) return { issues: missing.map((field) => ({ message: 'is missing', path: [field] })) };
        const value: object = optional();
        const known = new Set([...needed, ...Object.keys(value)]);
        Object.assign(value, Object.fromEntries(Object.entries(given).filter(([field]) => known.has(field))));
        return { value: value as Needed & Optional };
      },
    },
  };
}

const noUids = (): string[] => [];

export class Site extends DiffSyncModel.define({
  name: 'site',
  schema: fields<{ name: string }, { devices: string[]; sites: string[] }>(['name'], () => ({
    devices: noUids(),
    sites: noUids(),
  })),
  identifiers: ['name'],
  children: { device: 'devices', site: 'sites' },
}) {}

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: fields<
    { name: string },
    { role: string; vlan: number | null; tags: string[]; interfaces: string[]; note: string }
  >(['name'], () => ({ role: 'leaf', vlan: null, tags: [], interfaces: noUids(), note: '' })),
  identifiers: ['name'],
  attributes: ['role', 'vlan', 'tags'],
  children: { interface: 'interfaces' },
}) {}

export class Interface extends DiffSyncModel.define({
  name: 'interface',
  schema: fields<{ device: string; port: string }, { speed: number; addresses: string[] }>(['device', 'port'], () => ({
    speed: 1000,
    addresses: noUids(),
  })),
  identifiers: ['device', 'port'],
  attributes: ['speed'],
  children: { address: 'addresses' },
}) {}

export class Address extends DiffSyncModel.define({
  name: 'address',
  schema: fields<{ ip: string }, object>(['ip'], () => ({})),
  identifiers: ['ip'],
}) {}

/** An object with one value of any kind. */
export class Box extends DiffSyncModel.define({
  name: 'box',
  schema: fields<{ id: string }, { value: unknown }>(['id'], () => ({ value: null })),
  identifiers: ['id'],
  attributes: ['value'],
}) {}

/** The model of its children has a name that a careless look-up would find on every object. */
export class Parent extends DiffSyncModel.define({
  name: 'parent',
  schema: fields<{ name: string }, { members: string[] }>(['name'], () => ({ members: noUids() })),
  identifiers: ['name'],
  children: { ['__proto__']: 'members' },
}) {}

/** Returns a new class of the given model name, as another process would have it. */
export function modelNamed(name: string) {
  return DiffSyncModel.define({
    name,
    schema: fields<{ id: string }, { value: unknown }>(['id'], () => ({ value: null })),
    identifiers: ['id'],
    attributes: ['value'],
  });
}

export const COUNTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;
type Counters = Record<(typeof COUNTERS)[number], number>;

/** A model with enough attributes for many writers with one each. */
export class Board extends DiffSyncModel.define({
  name: 'board',
  schema: fields<{ id: string }, Counters>(['id'], () => ({ a: 0, b: 0, c: 0, d: 0, e: 0, f: 0, g: 0, h: 0 })),
  identifiers: ['id'],
  attributes: COUNTERS,
}) {}

/** Returns objects named `<prefix>0`, `<prefix>1`, … */
export function devices(count: number, prefix = 'r'): Device[] {
  return Array.from({ length: count }, (_, index) => new Device({ name: `${prefix}${index}` }));
}
