// Proves the package as its users get it: packs it, installs the tarball into fresh folders with what npm is configured to use,
// builds and runs applications there, and prints a table. Fails when a row fails.
// Usage: npm run verify:package [-- ROW ...]; `nest-11` stands for all rows whose names begin with it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './verify-package/command.mjs';
import { Installation, REPOSITORY } from './verify-package/installation.mjs';
import { startRedis } from './verify-package/redis.mjs';
import { ROWS } from './verify-package/rows.mjs';

const wanted = process.argv.slice(2);
const isNamed = (row, name) => row === name || row.startsWith(`${name}-`);
const unknown = wanted.filter((name) => ![...ROWS.keys()].some((row) => isNamed(row, name)));
if (unknown.length > 0) {
  console.error(`There is no row ${unknown.join(', ')}. The rows: ${[...ROWS.keys()].join(', ')}`);
  process.exit(2);
}
const rows = [...ROWS].filter(([row]) => wanted.length === 0 || wanted.some((name) => isNamed(row, name)));

// Not in this repository: an installation must find no package but its own.
const work = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-verify-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

const packed = JSON.parse(
  await run('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', work], { cwd: REPOSITORY }),
);
const tarball = join(work, packed[0].filename);
const redis = await startRedis(work);
const results = [];
for (const [row, prove] of rows) {
  const installation = new Installation(join(work, row), tarball);
  const began = performance.now();
  const result = await prove({ installation, work, redis }).then(
    (shown) => ({ result: 'ok', shown }),
    (error) => {
      console.error(`${row}: ${error.stack}`);
      return { result: 'FAILED', shown: error.message.split('\n')[0].slice(0, 100) };
    },
  );
  await installation.remove();
  results.push({ row, ...result, seconds: Math.round((performance.now() - began) / 1000) });
  console.error(`${row}: ${result.result} (${results.at(-1).seconds} s)`);
}
console.table(results);
process.exit(results.every(({ result }) => result === 'ok') ? 0 : 1);
