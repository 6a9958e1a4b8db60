// `npm run test:full`: `npm test`, and what takes longer or needs more: other servers, versions of Node, browsers, real installs, the
// pages. `-- PART ...` runs some of the parts. A line for each when it has ended, a table at the end; fails when a part fails.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** The npm scripts of each part, in the order in which they run. */
const PARTS = {
  tests: ['test'],
  unused: ['check:unused'],
  types: ['types:oldest'],
  servers: ['test:servers'],
  nodes: ['test:sqlite'],
  browsers: ['test:browsers'],
  installs: ['verify:package'],
  docs: ['docs:build'],
};

const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((part) => !Object.hasOwn(PARTS, part));
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}. The parts: ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}

const results = [];
for (const [part, commands] of Object.entries(PARTS).filter(([name]) => wanted.length === 0 || wanted.includes(name))) {
  const began = performance.now();
  const missing = commands.filter((command) => !Object.hasOwn(scripts, command));
  const result = missing.length > 0 ? 'not there yet' : (await passes(commands)) ? 'ok' : 'FAILED';
  const row = { part, commands: commands.join(', '), result, time: duration(performance.now() - began) };
  results.push(row);
  console.error(`test:full: ${part}: ${result} (${row.time})`);
}
console.table(results);
process.exitCode = results.some(({ result }) => result === 'FAILED') ? 1 : 0;

/** Runs npm scripts one after another, until one fails. */
async function passes(commands) {
  for (const command of commands) {
    const [code] = await once(
      spawn('npm', ['run', '--silent', command], {
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, TEST_FULL: '1' },
      }),
      'exit',
    );
    if (code !== 0) return false;
  }
  return true;
}

function duration(ms) {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} min`;
}
