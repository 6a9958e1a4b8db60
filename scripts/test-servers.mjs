// `npm run test:servers`: runs what depends on the server on each server that there is, and writes what came of it into the tables
// of docs/redis.md. `-- --server NAME` runs one of them and `-- --group NAME` one group: the other cells stay as they are.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { otherServers } from './other-servers.mjs';
import { PageTable } from './page-table.mjs';

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
if (servers.length === 0 || (groups.length === 0 && !withFaults)) throw new Error('no such server or group');

let failed = 0;
for (const { name, folder } of servers) {
  for (const [group, args] of groups) {
    const result = run(name, folder, group, args);
    failed += result.failed;
    record('servers', (table) => table.set([title(name)], group, result.text));
  }
  if (!withFaults) continue;
  const jobs = jobsUnderFaults(name, folder);
  failed += jobs.failed;
  record('jobs under faults', (table) => {
    for (const job of jobs.outcomes) table.set([job.fault, job.variant], title(name), outcomeText(job));
  });
}
console.log(['servers', 'jobs under faults'].map((place) => String(new PageTable(PAGE, place))).join('\n\n'));
process.exitCode = failed > 0 ? 1 : 0;

function record(place, change) {
  const table = new PageTable(PAGE, place);
  change(table);
  table.write();
}

/** Returns what became of each job on one server, and how many tests failed: more may than the outcome of a job. */
function jobsUnderFaults(server, folder) {
  const work = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-servers-'));
  const file = join(work, 'outcomes.jsonl');
  try {
    writeFileSync(file, '');
    const { failed } = run(server, folder, FAULTS.name, FAULTS.args, { WHOLE_JOB_OUTCOMES: file });
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    return { failed, outcomes: lines.map((line) => JSON.parse(line)) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What a job came to, and in which of its stages the fault had it fail. */
function outcomeText({ again, failed }) {
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
    TEST_FULL: '1',
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
