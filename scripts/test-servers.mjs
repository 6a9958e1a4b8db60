// `npm run test:servers`: runs what depends on the server on each server that there is, and writes the tables of docs/redis.md.
// `-- --server NAME` runs one of them and `-- --group NAME` one group, both without writing.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { otherServers } from './other-servers.mjs';

const PAGE = join(import.meta.dirname, '../docs/redis.md');
const GROUPS = {
  contract: ['test/store/store-contract.spec.ts', '-t', 'redis'],
  'cluster faults': ['test/store/redis/connection/cluster-faults.spec.ts'],
  'Sentinel faults': ['test/store/redis/connection/sentinel-faults.spec.ts'],
  permissions: ['test/store/redis/connection/security.spec.ts'],
  'whole job': ['test/store/redis/whole-job.spec.ts'],
};
/** Its outcomes are a table of their own. */
const FAULTS = { name: 'whole job under faults', args: ['test/faults/whole-job.spec.ts'] };

const { values } = parseArgs({ options: { server: { type: 'string' }, group: { type: 'string' } } });
const groups = Object.entries(GROUPS).filter(([name]) => values.group === undefined || name === values.group);
const withFaults = values.group === undefined || values.group === FAULTS.name;
const installed = /v=([\d.]+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1];
const servers = [{ name: `redis-${installed}` }, ...otherServers()].filter(
  ({ name }) => values.server === undefined || name === values.server,
);

const rows = servers.map(({ name, folder }) => [
  title(name),
  ...groups.map(([group, args]) => run(name, folder, group, args)),
]);
const tables = [];
let failedTests = 0;
if (groups.length > 0) {
  const cells = rows.map((row) => row.map((cell) => cell.text ?? cell));
  tables.push({ place: 'servers', text: tableOf([['server', ...groups.map(([group]) => group)], ...cells]) });
}
const jobs = withFaults ? servers.map(({ name, folder }) => jobsUnderFaults(name, folder)) : [];
if (withFaults) {
  const all = jobs.find(({ size }) => size > 0) ?? new Map();
  const cells = [...all].map(([key, { fault, variant }]) => [
    fault,
    variant,
    ...jobs.map((outcomes) => outcomeText(outcomes.get(key))),
  ]);
  const header = ['fault', 'store', ...servers.map(({ name }) => title(name))];
  tables.push({ place: 'jobs under faults', text: tableOf([header, ...cells]) });
}
for (const { place, text } of tables) {
  console.log(text);
  if (values.server === undefined && values.group === undefined) write(place, text);
}
process.exitCode = failedTests > 0 || rows.flat().some((cell) => cell.failed > 0) ? 1 : 0;

function tableOf(cells) {
  const widths = cells[0].map((_, at) => Math.max(...cells.map((row) => row[at].length)));
  const line = (row) => `| ${row.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`;
  return [line(cells[0]), line(widths.map((width) => '-'.repeat(width))), ...cells.slice(1).map(line)].join('\n');
}

/** Writes a table between the comments of the page that name it. */
function write(place, table) {
  const page = readFileSync(PAGE, 'utf8');
  const between = new RegExp(`(<!-- ${place}: [^\\n]* -->\\n)[\\s\\S]*?(<!-- end of ${place} -->)`);
  if (!between.test(page)) throw new Error(`docs/redis.md has no place for the table of ${place}`);
  writeFileSync(
    PAGE,
    page.replace(between, (_all, start, end) => `${start}\n${table}\n\n${end}`),
  );
}

/** Returns the outcomes of the jobs on one server, by fault and variant. */
function jobsUnderFaults(server, folder) {
  const work = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-servers-'));
  const file = join(work, 'outcomes.jsonl');
  try {
    writeFileSync(file, '');
    // More may fail than the outcome of a job, such as what it leaves behind.
    failedTests += run(server, folder, FAULTS.name, FAULTS.args, { WHOLE_JOB_OUTCOMES: file }).failed;
    const outcomes = readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    return new Map(outcomes.map((outcome) => [`${outcome.fault}, ${outcome.variant}`, outcome]));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What a job came to, and in which of its stages the fault had it fail. */
function outcomeText(outcome) {
  if (outcome === undefined) return 'failed';
  const { again, failed } = outcome;
  if (failed.length > 0) return `failed (${failed.join(', ')})`;
  return again.length > 0 ? `repeated (${again.join(', ')})` : 'at once';
}

function title(name) {
  const [product, version] = name.split('-');
  return `${product === 'redis' ? 'Redis' : 'Valkey'} ${version}`;
}

/** Runs one group of tests; those that were not run do not count. */
function run(server, folder, group, args, more = {}) {
  console.error(`${server}: ${group}`);
  const work = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-servers-'));
  const file = join(work, 'result.json');
  const env = {
    ...process.env,
    ...more,
    NODE_OPTIONS: '--experimental-vm-modules',
    ...(folder ? { REDIS_BIN: folder } : {}),
  };
  try {
    spawnSync('npx', ['jest', ...args, '-w', '1', '--json', '--outputFile', file], {
      env,
      stdio: ['ignore', 'ignore', 2],
    });
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(file, 'utf8'));
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    return { text: failed === 0 ? `${numPassedTests} passed` : `${numPassedTests} passed, ${failed} failed`, failed };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
