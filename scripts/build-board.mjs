// Bundles the front end of the board into dist/board/assets: four files that a controller serves, and that load nothing else.
// `npm run build` runs it after the compiler, which empties dist.
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src/board/ui');
const assets = join(root, 'dist/board/assets');

/** What is bundled keeps its licence. */
const licence = await readFile(join(root, 'node_modules/preact/LICENSE'), 'utf8');

await rm(assets, { recursive: true, force: true });
await mkdir(assets, { recursive: true });
await build({
  entryPoints: [
    { in: join(source, 'main.tsx'), out: 'app' },
    { in: join(source, 'app.css'), out: 'app' },
  ],
  outdir: assets,
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: ['es2022', 'chrome123', 'firefox120', 'safari17.5'],
  tsconfig: join(source, 'tsconfig.json'),
  legalComments: 'none',
  banner: { js: `/*! Contains Preact:\n\n${licence.trim()}\n*/` },
  logLevel: 'warning',
});
for (const name of ['index.html', 'icon.svg']) await copyFile(join(source, name), join(assets, name));
