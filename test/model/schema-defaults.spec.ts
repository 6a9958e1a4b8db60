import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { DiffSyncModel, type ModelDefinition } from '../../src/index.js';
import * as v from 'valibot';
import { withAllFields, withDeclaredFields } from '../../src/model/missing-fields.js';
import { omitDefaults } from '../../src/model/schema-defaults.js';

describe('omitDefaults()', () => {
  class Host extends DiffSyncModel.define({
    name: 'host',
    schema: z.object({
      name: z.string(),
      note: z.string().nullable(),
      role: z.string().default('leaf'),
      tags: z.array(z.string()).default(() => []),
      rack: z.string().optional(),
    }),
    identifiers: ['name'],
  }) {}

  it('leaves out what the schema fills in, and keeps required fields whatever they hold', async () => {
    const plain = new Host({ name: 'a', note: null });
    expect(await omitDefaults(plain, plain.toDict())).toEqual({ name: 'a', note: null });
    const given = new Host({ name: 'b', note: '', role: 'spine', tags: ['x'], rack: 'r1' });
    expect(await omitDefaults(given, given.toDict())).toEqual(given.toDict());
  });

  it('keeps a field whose default depends on other fields', async () => {
    class Named extends DiffSyncModel.define({
      name: 'named',
      schema: z
        .object({ name: z.string(), label: z.string().optional() })
        .transform(({ name, label }) => ({ name, label: label ?? name.toUpperCase() })),
      identifiers: ['name'],
    }) {}
    const first = new Named({ name: 'a' });
    expect(await omitDefaults(first, first.toDict())).toEqual({ name: 'a' });
    const second = new Named({ name: 'b', label: 'A' });
    expect(await omitDefaults(second, second.toDict())).toEqual({ name: 'b', label: 'A' });
  });

  it('works with an asynchronous schema', async () => {
    class Checked extends DiffSyncModel.define({
      name: 'checked',
      schema: z.object({ name: z.string().refine(async () => true), role: z.string().default('leaf') }),
      identifiers: ['name'],
    }) {}
    const obj = await Checked.parse({ name: 'a' });
    expect(await omitDefaults(obj, obj.toDict())).toEqual({ name: 'a' });
  });
});

describe('withDeclaredFields() and withAllFields()', () => {
  const valibot = v.object({
    name: v.string(),
    plain: v.optional(v.string(), 'p'),
    changed: v.pipe(
      v.optional(v.string(), 'c'),
      v.transform((text) => text.length),
    ),
    fallback: v.fallback(v.string(), 'f'),
    undefinable: v.undefinedable(v.string(), 'only for undefined'),
    required: v.string(),
    hidden: v.nullish(v.string(), 'h'),
  });
  const zod = z.object({
    name: z.string(),
    plain: z.string().default('p'),
    changed: z
      .string()
      .default('c')
      .transform((text) => text.length),
    fallback: z.string().catch('f'),
    undefinable: z.coerce.string(),
    required: z.string(),
    hidden: z.string().prefault('h'),
  });
  const declared = {
    name: 'device',
    identifiers: ['name'],
    attributes: ['plain', 'changed', 'fallback', 'undefinable', 'required'],
  } as const;

  it.each([
    ['zod', DiffSyncModel.define({ ...declared, schema: zod }).definition],
    ['valibot', DiffSyncModel.define({ ...declared, schema: valibot }).definition],
  ])('add what %s fills where the field is missing, and nothing else', (_, definition) => {
    const filled = { name: 'a', plain: 'p', changed: 1, fallback: 'f' };
    expect(withDeclaredFields(definition, { name: 'a' })).toEqual(filled);
    expect(withAllFields(definition, { name: 'a' })).toEqual({ ...filled, hidden: 'h' });
    const given = { name: 'a', plain: undefined, changed: null, fallback: 0 };
    expect(withDeclaredFields(definition, given)).toBe(given);
  });

  it('ask a schema of unknown structure, and ask no other schema again about a field that it does not fill', () => {
    let asked = 0;
    const counting = z.string().default(() => `v${++asked}`);
    let empty = 0;
    const none = z.preprocess((value) => (++empty, value), z.string().optional());
    const define = (schema: object): ModelDefinition =>
      DiffSyncModel.define({ name: 'm', schema, identifiers: ['name'], attributes: ['counting', 'none'] } as never)
        .definition;
    const shape = z.object({ name: z.string(), counting, none });
    const shown = define(shape);
    const values = [1, 2, 3].map(() => withDeclaredFields(shown, { name: 'a' })['counting']);
    expect(new Set(values).size).toBe(3);
    expect(empty).toBe(1);
    const union = define(z.union([shape, z.object({ name: z.string(), other: z.string() })]));
    expect(withDeclaredFields(union, { name: 'a' })).toEqual({ name: 'a', counting: `v${asked}` });
    expect(withDeclaredFields(union, { name: 1 })).toEqual({ name: 1 });
  });
});
