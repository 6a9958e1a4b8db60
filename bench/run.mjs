/** Every benchmark by its name: `npm run bench -- engine`. Each takes what follows its name. */
const benches = new Map([
  ['engine', () => import('./engine.mjs')],
  ['redis', () => import('./redis.mjs')],
  ['stores', () => import('./stores.mjs')],
]);

const [name = '', ...args] = process.argv.slice(2);
const load = benches.get(name);
if (load === undefined) {
  console.error(`Which benchmark? One of: ${[...benches.keys()].join(', ')}`);
  process.exitCode = 1;
} else {
  const { run } = await load();
  await run(args);
}
