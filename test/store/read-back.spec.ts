// What a store reads back is what the schema promises: records of an older class lack fields that the class of today declares.
import { type } from 'arktype';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { z } from 'zod';
import { Adapter, DiffSyncModel, type BaseStore, type ModelClass } from '../../src/index.js';
import { stores } from '../support/stores.js';

class Old extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().optional() }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

const declared = {
  name: 'device',
  identifiers: ['name'],
  attributes: ['role', 'site', 'note', 'serial'],
  children: { port: 'ports' },
  shortname: ['label'],
} as const;
let made = 0;
const zodFields = {
  name: z.string(),
  role: z.string().optional(),
  site: z.string().default('unknown'),
  note: z.string().nullish(),
  serial: z.string().default(() => `s${++made}`),
  ports: z.array(z.string()).default([]),
  label: z.string().default('none'),
  undeclared: z.string().default('stays absent'),
};
const sharedPorts: string[] = [];

/** The class of today, over schemas that show their fields and schemas that do not. */
const NEW = {
  zod: DiffSyncModel.define({ ...declared, schema: z.object(zodFields) }),
  'zod, refined and read-only': DiffSyncModel.define({
    ...declared,
    schema: z
      .object(zodFields)
      .refine(() => true)
      .readonly(),
  }),
  'zod, a transform': DiffSyncModel.define({ ...declared, schema: z.object(zodFields).transform((all) => all) }),
  valibot: DiffSyncModel.define({
    ...declared,
    schema: v.object({
      name: v.string(),
      role: v.optional(v.string()),
      site: v.optional(v.string(), 'unknown'),
      note: v.nullish(v.string()),
      serial: v.optional(v.string(), () => `s${++made}`),
      ports: v.optional(v.array(v.string()), sharedPorts),
      label: v.optional(v.string(), 'none'),
      undeclared: v.optional(v.string(), 'stays absent'),
    }),
  }),
  arktype: DiffSyncModel.define({
    ...declared,
    schema: type({
      name: 'string',
      'role?': 'string',
      site: "string = 'unknown'",
      'note?': 'string',
      serial: type('string').default(() => `s${++made}`),
      ports: type('string[]').default(() => []),
      label: "string = 'none'",
      undeclared: "string = 'stays absent'",
    }),
  }),
} as unknown as Record<string, typeof Old>;

const inventoryOf = (model: ModelClass): new (options: { store?: BaseStore; name: string }) => Adapter =>
  class extends Adapter {
    static override readonly models = [model];
    static override readonly topLevel = ['device'];
  };

describe.each(stores)('$name', ({ open, close }) => {
  let store: BaseStore;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(async () => close(store));

  describe.each(Object.entries(NEW))('with a class over %s', (_, Base) => {
    class Device extends Base {}
    /** Its objects are never read as records. */
    class Built extends Base {
      override getAttrs(): { role?: string | undefined } {
        return super.getAttrs();
      }
    }

    it('reads declared fields that a record lacks as the schema fills them, and no others', async () => {
      await store.clear();
      await store.addMany({ objs: [new Old({ name: 'r1', role: 'leaf' }), new Old({ name: 'r2' })] });
      const promised = { name: 'r1', role: 'leaf', site: 'unknown', ports: [], label: 'none' };
      const found = [
        await store.get({ model: Device, identifier: 'r1' }),
        ...(await store.getByUids({ model: Device, uids: ['r1'] })),
        (await store.getAll({ model: Device }))[0],
      ];
      for (const device of found) {
        expect(device?.toDict()).toEqual({ ...promised, serial: expect.stringMatching(/^s\d+$/) as unknown });
        expect(device?.getShortname()).toBe('none');
      }
      expect(new Set(found.map((device) => (device?.toDict() as { serial?: string } | undefined)?.serial)).size).toBe(
        3,
      ); // A default may be a function.
      expect(Object.keys(await store.get({ model: Device, identifier: 'r2' }))).not.toContain('role');
      expect(sharedPorts).toEqual([]);
    });

    it.each([Device, Built])('brings what the source has to them, and a second diff is empty (%#)', async (Class) => {
      const local = await open();
      const target = new (inventoryOf(Class))({ store: local, name: 'target' });
      const source = new (inventoryOf(Class))({ name: 'source' });
      const old = { name: 'r1', role: 'leaf' };
      await local.add({ obj: new Old(old) });
      const full = { serial: 's', note: 'n', ports: [], label: 'none', undeclared: 'u' };
      await source.add(new Class({ ...full, ...old, site: 'nyc' } as never));
      const diff = await target.diffFrom(source);
      expect(diff.groups()).toEqual(['device']);
      const changes = diff.getChildren().map((element) => [element.name, element.getAttrsDiffs()['-']]);
      const serial = expect.stringMatching(/^s\d+$/) as unknown;
      expect(changes).toEqual([['none', { site: 'unknown', note: undefined, serial }]]);
      await target.syncFrom(source);
      expect((await target.get(Class, 'r1')).toDict()).toMatchObject({ ...old, site: 'nyc', serial: 's', note: 'n' });
      expect((await target.diffFrom(source)).summary()).toMatchObject({ 'no-change': 1, update: 0 });
      await close(local);
    });
  });

  it('keeps a field that was cleared, and one that the schema cannot fill, as they are', async () => {
    class Device extends DiffSyncModel.define({
      name: 'device',
      schema: z.object({
        name: z.string(),
        role: z.string().optional().default('leaf'),
        size: z.number(),
        late: z
          .string()
          .default('x')
          .refine(async () => true),
        odd: z.any().transform((text: string) => text.length),
        coerced: z.coerce.string(),
      }),
      identifiers: ['name'],
      attributes: ['role', 'size', 'late', 'odd', 'coerced'],
    }) {}
    await store.clear();
    await store.addMany({ objs: [new Old({ name: 'r1', role: undefined }), new Old({ name: 'r2' })] });
    expect((await store.get({ model: Device, identifier: 'r1' })).toDict()).toEqual({ name: 'r1', role: undefined });
    expect((await store.get({ model: Device, identifier: 'r2' })).toDict()).toEqual({ name: 'r2', role: 'leaf' });
  });

  it('takes an object that is equal to what is read back for the stored one', async () => {
    class Device extends DiffSyncModel.define({
      name: 'device',
      schema: z.object({ name: z.string(), role: z.string().optional(), site: z.string().default('unknown') }),
      identifiers: ['name'],
      attributes: ['role', 'site'],
    }) {}
    await store.clear();
    await store.add({ obj: new Old({ name: 'r1' }) });
    await store.add({ obj: new Device({ name: 'r1', site: 'unknown' }) });
    await store.addMany({ objs: [new Device({ name: 'r1' }), new Device({ name: 'r2' })] });
    const other = new Device({ name: 'r1', site: 'nyc' });
    await expect(store.add({ obj: other })).rejects.toMatchObject({ code: 'OBJECT_ALREADY_EXISTS' });
    await expect(store.addMany({ objs: [other] })).rejects.toMatchObject({ code: 'OBJECT_ALREADY_EXISTS' });
  });
});
