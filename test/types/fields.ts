import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import * as mini from 'zod/mini';
import { z as z3 } from 'zod/v3';
import { DiffSyncModel } from 'nestjs-diffsync';

/** The fields of a model have exactly the types that its schema puts out, whatever the library and the kind of field. */
type Same<A, B> = [A, B] extends [B, A] ? true : never;
const define = DiffSyncModel.define;

const Serial = z.string().brand<'Serial'>();
export class Server extends define({
  name: 'server',
  schema: z.object({
    serial: Serial,
    slot: z.bigint(),
    label: z.string().optional(),
    owner: z.string().nullable(),
    contact: z.string().nullish(),
    units: z.number().default(1),
    bought: z.date(),
    length: z.string().transform((text) => text.length),
    power: z.coerce.number(),
    state: z.enum(['on', 'off']),
    port: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('access'), vlan: z.number() }),
      z.object({ kind: z.literal('trunk'), native: z.string() }),
    ]),
    place: z.object({ row: z.object({ number: z.number().optional() }) }),
    counters: z.map(z.string(), z.number()),
    tags: z.set(z.string()),
    key: z.instanceof(Uint8Array),
    disks: z.array(z.string()).optional(),
    cards: z.array(z.string()).readonly(),
    blades: z.array(Serial),
    fans: z.tuple([z.string()]).rest(z.string()),
    psus: z.array(z.string()).nullable(),
  }),
  identifiers: ['serial', 'slot'],
  attributes: ['label', 'owner', 'contact', 'units', 'bought', 'length', 'power', 'state', 'port', 'place', 'counters'],
  children: { disk: 'disks', card: 'cards', blade: 'blades', fan: 'fans', psu: 'psus' },
}) {}

export const server = new Server({
  serial: Serial.parse('s1'),
  slot: 1n,
  owner: null,
  bought: new Date(),
  length: 'abc',
  power: '5',
  state: 'on',
  port: { kind: 'access', vlan: 1 },
  place: { row: {} },
  counters: new Map(),
  tags: new Set(),
  key: new Uint8Array(),
  cards: [],
  blades: [],
  fans: ['f1'],
  psus: null,
});
export const same: readonly true[] = [
  true satisfies Same<typeof server.serial, z.core.output<typeof Serial>>,
  true satisfies Same<typeof server.label, string | undefined>,
  true satisfies Same<typeof server.owner, string | null>,
  true satisfies Same<typeof server.length, number>,
  true satisfies Same<typeof server.bought, Date>,
  true satisfies Same<typeof server.state, 'on' | 'off'>,
  true satisfies Same<ReturnType<typeof server.getIdentifiers>['slot'], bigint>,
];

/** Objects that are open, closed, refined, read-only, joined, or the result of a transform. */
const fields = z.object({ name: z.string(), size: z.number() });
const roles = { identifiers: ['name'], attributes: ['size'] } as const;
export const shapes = [
  define({ name: 'open', schema: z.looseObject(fields.shape), ...roles }),
  define({ name: 'closed', schema: z.strictObject(fields.shape), ...roles }),
  define({ name: 'refined', schema: fields.refine(({ size }) => size > 0), ...roles }),
  define({ name: 'fixed', schema: fields.readonly(), ...roles }),
  define({ name: 'joined', schema: z.object({ name: z.string() }).and(z.object({ size: z.number() })), ...roles }),
  define({ name: 'made', schema: z.object({ n: z.string() }).transform(({ n }) => ({ name: n, size: 1 })), ...roles }),
  define({ name: 'mini', schema: mini.object({ name: mini.string(), size: mini.optional(mini.number()) }), ...roles }),
  define({ name: 'third', schema: z3.object({ name: z3.string(), size: z3.number().optional() }), ...roles }),
];

export class OfValibot extends define({
  name: 'valibot',
  schema: v.object({
    host: v.pipe(v.string(), v.brand('Host')),
    units: v.optional(v.number(), 1),
    length: v.pipe(
      v.string(),
      v.transform((text) => text.length),
    ),
    exact: v.exactOptional(v.string()),
    disks: v.array(v.string()),
  }),
  identifiers: ['host'],
  attributes: ['units', 'length', 'exact'],
  children: { disk: 'disks' },
}) {}
export class OfArktype extends define({
  name: 'arktype',
  schema: type({
    host: 'string#Host',
    units: 'number = 1',
    length: 'string.integer.parse',
    'note?': 'string',
    disks: 'string[]',
  }),
  identifiers: ['host'],
  attributes: ['units', 'length', 'note'],
  children: { disk: 'disks' },
}) {}
export const numbers = ({ units, length }: OfValibot | OfArktype): [number, number] => [units, length];
