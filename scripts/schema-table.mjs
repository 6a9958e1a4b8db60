// Writes the table of docs/models-and-schemas.md by running it: what zod, valibot and arktype each make of the same input, as a model
// has it. `npm run docs:schemas`; a test sees that what it writes is checked in.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { type } from 'arktype';
import { format } from 'oxfmt';
import * as v from 'valibot';
import { z } from 'zod';

const PAGE = fileURLToPath(new URL('../docs/models-and-schemas.md', import.meta.url));
const BEGIN = '<!-- schemas: by scripts/schema-table.mjs -->';
const END = '<!-- /schemas -->';
const LIBRARIES = ['zod', 'valibot', 'arktype'];

/** What is given, what each library declares, and what is looked at, if it is not the object that `new` makes. */
const CASES = [
  {
    what: 'a key that the schema does not have',
    input: { name: 'r1', rack: 'a' },
    zod: z.object({ name: z.string() }),
    valibot: v.object({ name: v.string() }),
    arktype: type({ name: 'string' }),
  },
  {
    what: 'the same, and the schema says to refuse it (`z.strictObject`, `v.strictObject`, `"+": "reject"`)',
    input: { name: 'r1', rack: 'a' },
    zod: z.strictObject({ name: z.string() }),
    valibot: v.strictObject({ name: v.string() }),
    arktype: type({ '+': 'reject', name: 'string' }),
  },
  {
    what: 'the same, and the schema says to leave it out (arktype: `"+": "delete"`)',
    input: { name: 'r1', rack: 'a' },
    zod: z.object({ name: z.string() }),
    valibot: v.object({ name: v.string() }),
    arktype: type({ '+': 'delete', name: 'string' }),
  },
  {
    what: 'an optional field that is missing',
    input: { name: 'r1' },
    zod: z.object({ name: z.string(), role: z.string().optional() }),
    valibot: v.object({ name: v.string(), role: v.optional(v.string()) }),
    arktype: type({ name: 'string', 'role?': 'string' }),
  },
  {
    what: 'an optional field that is `undefined`',
    input: { name: 'r1', role: undefined },
    zod: z.object({ name: z.string(), role: z.string().optional() }),
    valibot: v.object({ name: v.string(), role: v.optional(v.string()) }),
    arktype: type({ name: 'string', 'role?': 'string' }),
  },
  {
    what: 'a default, and the field is missing',
    input: { name: 'r1' },
    zod: z.object({ name: z.string(), role: z.string().default('leaf') }),
    valibot: v.object({ name: v.string(), role: v.optional(v.string(), 'leaf') }),
    arktype: type({ name: 'string', role: 'string = "leaf"' }),
  },
  {
    what: 'a default, and the field is `undefined`',
    input: { name: 'r1', role: undefined },
    zod: z.object({ name: z.string(), role: z.string().default('leaf') }),
    valibot: v.object({ name: v.string(), role: v.optional(v.string(), 'leaf') }),
    arktype: type({ name: 'string', role: 'string = "leaf"' }),
  },
  {
    what: 'a field in a stored object of an older version, which lacks it',
    input: { name: 'r1' },
    zod: z.object({ name: z.string(), role: z.string().default('leaf') }),
    valibot: v.object({ name: v.string(), role: v.optional(v.string(), 'leaf') }),
    arktype: type({ name: 'string', role: 'string = "leaf"' }),
    attributes: ['role'],
    look: readOlderRecord,
  },
  {
    what: 'the order of the fields',
    input: { serial: 's', role: 'leaf', name: 'r1' },
    zod: z.object({ name: z.string(), role: z.string(), serial: z.string() }),
    valibot: v.object({ name: v.string(), role: v.string(), serial: v.string() }),
    arktype: type({ name: 'string', role: 'string', serial: 'string' }),
  },
  {
    what: 'a transform (trims, adds `!`), stored and read again',
    input: { name: 'r1', role: ' leaf ' },
    zod: z.object({ name: z.string(), role: z.string().transform(exclaim) }),
    valibot: v.object({ name: v.string(), role: v.pipe(v.string(), v.transform(exclaim)) }),
    arktype: type({ name: 'string', role: type('string').pipe(exclaim) }),
    look: readAgain,
  },
  {
    what: 'a transform of the identifier: who asks for `R1 ` gets',
    input: { name: ' R1' },
    zod: z.object({ name: z.string().trim().toLowerCase() }),
    valibot: v.object({ name: v.pipe(v.string(), v.trim(), v.toLowerCase()) }),
    arktype: type({ name: type('string.trim').to('string.lower') }),
    look: askByIdentifier,
  },
  {
    what: 'text for a number, and the schema converts it',
    input: { name: 'r1', mtu: '1500' },
    zod: z.object({ name: z.string(), mtu: z.coerce.number() }),
    valibot: v.object({ name: v.string(), mtu: v.pipe(v.string(), v.toNumber()) }),
    arktype: type({ name: 'string', mtu: 'string.numeric.parse' }),
  },
  {
    what: 'a value of another type',
    input: { name: 'r1', mtu: '1500' },
    zod: z.object({ name: z.string(), mtu: z.number() }),
    valibot: v.object({ name: v.string(), mtu: v.number() }),
    arktype: type({ name: 'string', mtu: 'number' }),
  },
  {
    what: 'an asynchronous part, by `new`',
    input: { name: 'r1' },
    zod: z.object({ name: z.string().refine(later) }),
    valibot: v.objectAsync({ name: v.pipeAsync(v.string(), v.checkAsync(later)) }),
  },
  {
    what: 'the same, by `await Device.parse(…)`',
    input: { name: 'r1' },
    zod: z.object({ name: z.string().refine(later) }),
    valibot: v.objectAsync({ name: v.pipeAsync(v.string(), v.checkAsync(later)) }),
    look: async ({ model, input }) => fieldsOf(await model.parse(input)),
  },
];

/** @returns the page with the table between its markers; `library` is the main door of the package. */
export async function withSchemaTable(page, library) {
  const [before, rest = ''] = page.split(BEGIN);
  const [, after] = rest.split(END);
  if (after === undefined) throw new Error(`the page has no part between ${BEGIN} and ${END}`);
  const rows = [];
  for (const each of CASES) {
    const cells = [];
    for (const name of LIBRARIES) cells.push(await outcomeOf(library, each, each[name]));
    rows.push([each.what, `\`${textOf(each.input)}\``, ...cells]);
  }
  const lines = [['case', 'input', ...LIBRARIES], Array(2 + LIBRARIES.length).fill('---'), ...rows];
  const table = lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const { code: part } = await format('schemas.md', `${table}\n`, { printWidth: 120 });
  return `${before}${BEGIN}\n\n${part}\n${END}${after}`;
}

/** What a model with this schema makes of the input, or how it refuses it. */
async function outcomeOf(library, { input, attributes = [], look = construct }, schema) {
  if (schema === undefined) return 'has none';
  try {
    const model = library.DiffSyncModel.define({ name: 'device', schema, identifiers: ['name'], attributes });
    return `\`${textOf(await look({ library, model, input }))}\``;
  } catch (error) {
    return `refused: \`${error.code}\``;
  }
}

async function construct({ model: Model, input }) {
  return fieldsOf(new Model(input));
}

async function readAgain({ library, model, input }) {
  const adapter = adapterOf(library, model);
  await adapter.add(await model.parse(input));
  return fieldsOf(await adapter.get(model, input.name));
}

async function askByIdentifier({ library, model, input }) {
  const adapter = adapterOf(library, model);
  await adapter.add(await model.parse(input));
  return fieldsOf(await adapter.get(model, { name: 'R1 ' }));
}

/** Adds an object of a model without the other fields, and reads it by a class that has them. */
async function readOlderRecord({ library, model, input }) {
  const store = new library.LocalStore();
  const older = library.DiffSyncModel.define({
    name: 'device',
    schema: z.object({ name: z.string() }),
    identifiers: ['name'],
  });
  await store.add({ obj: new older(input) });
  return fieldsOf(await store.get({ model, identifier: input.name }));
}

function adapterOf({ Adapter }, model) {
  class Devices extends Adapter {
    static models = [model];
    static topLevel = ['device'];
  }
  return new Devices();
}

function fieldsOf(object) {
  return Object.fromEntries(Object.entries(object).filter(([field]) => field !== 'modelFlags'));
}

function textOf(value) {
  return inspect(value, { breakLength: Infinity });
}

function exclaim(text) {
  return `${text.trim()}!`;
}

async function later() {
  return Promise.resolve(true);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, await withSchemaTable(readFileSync(PAGE, 'utf8'), await import('../dist/index.js')));
}
