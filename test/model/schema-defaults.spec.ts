import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { DiffSyncModel } from '../../src/index.js';
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
