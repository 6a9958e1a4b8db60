import { z } from 'zod';
import { DiffSyncModel, type DefinedModel, type ReservedField } from 'nestjs-diffsync';
import { Device } from './models.js';

const schema = z.object({
  name: z.string(),
  opt: z.string().optional(),
  nul: z.string().nullable(),
  at: z.date(),
  list: z.array(z.string()),
  obj: z.object({ a: z.number() }),
  update: z.string(),
  fn: z.instanceof(Function),
  re: z.instanceof(RegExp),
});
const define = DiffSyncModel.define;

export class Few extends define({ ...Device.definition, attributes: ['role'] }) {}
const shared = { name: 'shared', schema, identifiers: ['name'] } as const;
export class Shared extends define({ ...shared, attributes: ['opt', 'at', 'obj'], compare: { opt: undefined } }) {}
/** A schema may be a union: the fields of all its members, those that only some have as optional. */
export class Port extends define({
  name: 'port',
  schema: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('access'), name: z.string(), vlan: z.number() }),
    z.object({ kind: z.literal('trunk'), name: z.string(), vlans: z.array(z.number()) }),
  ]),
  identifiers: ['name'],
  attributes: ['kind', 'vlan', 'vlans'],
}) {}
export const vlan = (port: Port): number | undefined => (port.kind === 'access' ? port.vlan : port.vlans?.[0]);
export const role: string = new Device({ name: 'r1' }).toDict().role;
export const identifiers: readonly ['name'] = Device.definition.identifiers;
export const field: 'interfaces' = Device.getChildrenMapping().interface;
export const kind: 'device' = new Device({ name: 'r1' }).getType();

/** The names that no field may have are those of the members of every model, neither more nor fewer. */
type Same<A, B> = [A, B] extends [B, A] ? true : never;
export const reserved: Same<ReservedField, keyof DiffSyncModel & string> = true;

const names = ['name'];
export const wrong = [
  // @ts-expect-error may be absent
  () => define({ name: 'x', schema, identifiers: ['opt'] }),
  // @ts-expect-error may be null
  () => define({ name: 'x', schema, identifiers: ['nul'] }),
  // @ts-expect-error a Date
  () => define({ name: 'x', schema, identifiers: ['at'] }),
  // @ts-expect-error a list
  () => define({ name: 'x', schema, identifiers: ['list'] }),
  // @ts-expect-error an object
  () => define({ name: 'x', schema, identifiers: ['obj'] }),
  // @ts-expect-error no field
  () => define({ name: 'x', schema, identifiers: ['nmae'] }),
  // @ts-expect-error none
  () => define({ name: 'x', schema, identifiers: [] }),
  // @ts-expect-error names that the compiler does not see
  () => define({ name: 'x', schema, identifiers: names }),
  // @ts-expect-error a member of every model
  () => define({ name: 'x', schema, identifiers: ['name'], attributes: ['update'] }),
  // @ts-expect-error what no store can keep
  () => define({ name: 'x', schema, identifiers: ['name'], attributes: ['fn'] }),
  // @ts-expect-error
  () => define({ name: 'x', schema, identifiers: ['name'], attributes: ['re'] }),
  // @ts-expect-error an identifier is no attribute
  () => define({ name: 'x', schema, identifiers: ['name'], attributes: ['name'] }),
  // @ts-expect-error 'set' is for lists
  () => define({ name: 'x', schema, identifiers: ['name'], attributes: ['opt'], compare: { opt: 'set' } }),
  // @ts-expect-error no list of texts
  () => define({ name: 'x', schema, identifiers: ['name'], children: { interface: 'opt' } }),
  // @ts-expect-error an attribute lists no children
  () => define({ name: 'x', schema, identifiers: ['name'], attributes: ['list'], children: { interface: 'list' } }),
  // @ts-expect-error a list
  () => define({ name: 'x', schema: z.array(z.string()), identifiers: ['length'] }),
  // @ts-expect-error a Map
  () => define({ name: 'x', schema: z.map(z.string(), z.string()), identifiers: ['size'] }),
];

/** As `isolatedDeclarations` needs it: docs/nest.md. */
const isolated: z.ZodObject<{ name: z.ZodString; role: z.ZodString }> = z.object({
  name: z.string(),
  role: z.string(),
});
const Base: DefinedModel<'isolated', typeof isolated, readonly ['name'], readonly ['role']> = define({
  name: 'isolated',
  schema: isolated,
  identifiers: ['name'],
  attributes: ['role'],
});
export class Isolated extends Base {}
const ByNames: DefinedModel<'isolated', typeof isolated, 'name', 'role'> = Base;
export class IsolatedToo extends ByNames {}
