import { parseArgs } from 'node:util';

/** Every benchmark by its name: `npm run bench -- engine`. */
const benches = new Map([['engine', () => import('./engine.mjs')]]);

const { positionals } = parseArgs({ allowPositionals: true });
const [name = ''] = positionals;
const load = benches.get(name);
if (load === undefined || positionals.length !== 1) {
  console.error(`Which benchmark? One of: ${[...benches.keys()].join(', ')}`);
  process.exitCode = 1;
} else {
  const { run } = await load();
  await run();
}
