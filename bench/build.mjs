import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The environment variable that names the folder of the build to measure; without it, it is this repository. */
export const BUILD_VARIABLE = 'DIFFSYNC_BENCH_BUILD';

const root = process.env[BUILD_VARIABLE] ?? fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Imports an entry point of the measured build: `.`, `./redis` or `./sqlite`. */
export function entryPoint(name) {
  return importFile(manifest.exports[name].default);
}

/** Imports a file of the measured build that no entry point exports. */
export function importFile(path) {
  return import(pathToFileURL(join(root, path)).href);
}
