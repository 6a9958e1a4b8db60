// Writes the Lua scripts and SQL migrations into TypeScript files beside them: a built package reads no file at run time, so
// that it can be bundled. `npm run build` runs it; a test sees that what it writes is checked in.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Folder -> the ending of the files that are embedded. */
export const EMBEDDED = { 'src/store/redis/scripts': '.lua', 'src/store/sqlite/migrations': '.sql' };

/** @returns the TypeScript file with the texts of a folder. */
export function embed(folder, ending) {
  const files = readdirSync(join(root, folder)).filter((name) => name.endsWith(ending));
  const entries = files.toSorted().map((name) => {
    const text = readFileSync(join(root, folder, name), 'utf8').replaceAll(/[\\`]|\$\{/g, '\\$&');
    return `  '${name}': \`${text}\`,\n`;
  });
  return (
    `// Generated from the *${ending} files of this folder by scripts/embed-texts.mjs: change those.\n` +
    `export const TEXTS: Readonly<Record<string, string>> = {\n${entries.join('')}};\n`
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [folder, ending] of Object.entries(EMBEDDED)) {
    writeFileSync(join(root, folder, 'texts.ts'), embed(folder, ending));
  }
}
