// `npm run test:servers`: runs what depends on the server on each server that there is, and writes the table of docs/redis.md.
// `-- --server NAME` runs one of them and `-- --group NAME` one group, both without writing.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { otherServers } from './other-servers.mjs';

const PAGE = join(import.meta.dirname, '../docs/redis.md');
const TABLE = /(<!-- servers: [^\n]* -->\n)[\s\S]*?(<!-- end of servers -->)/;
const GROUPS = {
  contract: ['test/store/store-contract.spec.ts', '-t', 'redis'],
  'cluster faults': ['test/store/redis/connection/cluster-faults.spec.ts'],
  'Sentinel faults': ['test/store/redis/connection/sentinel-faults.spec.ts'],
  permissions: ['test/store/redis/connection/security.spec.ts'],
  'whole job': ['test/store/redis/whole-job.spec.ts'],
};

const { values } = parseArgs({ options: { server: { type: 'string' }, group: { type: 'string' } } });
const groups = Object.entries(GROUPS).filter(([name]) => values.group === undefined || name === values.group);
const installed = /v=([\d.]+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1];
const servers = [{ name: `redis-${installed}` }, ...otherServers()].filter(
  ({ name }) => values.server === undefined || name === values.server,
);

const rows = servers.map(({ name, folder }) => [
  title(name),
  ...groups.map(([group, args]) => run(name, folder, group, args)),
]);
const cells = [
  ['server', ...groups.map(([group]) => group)],
  ...rows.map((row) => row.map((cell) => cell.text ?? cell)),
];
const widths = cells[0].map((_, at) => Math.max(...cells.map((row) => row[at].length)));
const line = (row) => `| ${row.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`;
const table = [line(cells[0]), line(widths.map((width) => '-'.repeat(width))), ...cells.slice(1).map(line)].join('\n');
console.log(table);
if (values.server === undefined && values.group === undefined) {
  const page = readFileSync(PAGE, 'utf8');
  if (!TABLE.test(page)) throw new Error('docs/redis.md has no place for the table of servers');
  writeFileSync(
    PAGE,
    page.replace(TABLE, (_all, start, end) => `${start}\n${table}\n\n${end}`),
  );
}
process.exitCode = rows.flat().some((cell) => cell.failed > 0) ? 1 : 0;

function title(name) {
  const [product, version] = name.split('-');
  return `${product === 'redis' ? 'Redis' : 'Valkey'} ${version}`;
}

/** Runs one group of tests; those that were not run do not count. */
function run(server, folder, group, args) {
  console.error(`${server}: ${group}`);
  const work = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-servers-'));
  const file = join(work, 'result.json');
  const env = { ...process.env, NODE_OPTIONS: '--experimental-vm-modules', ...(folder ? { REDIS_BIN: folder } : {}) };
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
