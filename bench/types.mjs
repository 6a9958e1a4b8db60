import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** A schema of nine fields, as an inventory has them. */
const schema = (i) => `z.object({ name: z.string(), role: z.string().default('leaf'), vlan: z.number().optional(),
  site: z.string().nullable(), state: z.enum(['up', 'down', 'm${i}']), mtu: z.number().default(1500), tags: z.array(z.string()),
  at: z.date(), children: z.array(z.string()).default([]) })`;

const models = {
  /** The schemas alone: what no model can do without. */
  zod: (i) =>
    `const S${i} = ${schema(i)};\nexport type M${i} = z.infer<typeof S${i}>;\nexport const n${i} = (m: M${i}): string => m.name;`,
  /** Models, and one adapter of them all. */
  models: (
    i,
  ) => `export class M${i} extends DiffSyncModel.define({ name: 'm${i}', schema: ${schema(i)}, identifiers: ['name'],
  attributes: ['role', 'vlan', 'site', 'state', 'mtu', 'tags', 'at'], children: { m0: 'children' } }) {}`,
};

function source(kind, count) {
  const parts = Array.from({ length: count }, (_, i) => models[kind](i));
  if (kind === 'zod') return ["import { z } from 'zod';", ...parts].join('\n');
  const names = Array.from({ length: count }, (_, i) => `M${i}`);
  return [
    "import { z } from 'zod';",
    "import { Adapter, DiffSyncModel } from 'nestjs-diffsync';",
    ...parts,
    `export class All extends Adapter {
  static override readonly models = [${names.join(', ')}];
  static override readonly topLevel = ['m0'];
}`,
  ].join('\n');
}

/** Resolves to what the compiler says of itself: instantiations, seconds, bytes. */
async function compile(kind, count) {
  const folder = mkdtempSync(join(import.meta.dirname, '../.types-'));
  try {
    writeFileSync(join(folder, 'index.ts'), source(kind, count));
    const compilerOptions = {
      target: 'es2023',
      module: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      noImplicitOverride: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: true,
      noEmit: true,
      types: ['node'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['index.ts'] }));
    const compiler = createRequire(import.meta.url).resolve('typescript/lib/tsc.js');
    const { stdout: text } = await exec(process.execPath, [compiler, '-p', folder, '--extendedDiagnostics']);
    const read = (name) => Number(new RegExp(`^${name}: +([\\d.]+)`, 'm').exec(text)?.[1]);
    return {
      instantiations: read('Instantiations'),
      seconds: read('Total time'),
      megabytes: read('Memory used') / 1024,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `npm run bench -- types [--size=300]`: what the compiler does for so many models in an adapter, beside their schemas. */
export async function run(args) {
  const size = Number(/--size=(\d+)/.exec(args.join(' '))?.[1] ?? 300);
  console.log(`${size} models of nine fields: what the compiler does`);
  for (const kind of ['zod', 'models']) {
    const { instantiations, seconds, megabytes } = await compile(kind, size);
    const columns = [instantiations.toLocaleString('en'), `${seconds.toFixed(1)} s`, `${megabytes.toFixed(0)} MB`];
    console.log(kind.padEnd(8), ...columns.map((text) => text.padStart(12)));
  }
}
