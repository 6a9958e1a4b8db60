import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { COMPARISON, measure, nameOf, ROWS } from './growth-rows.mjs';
import { machine, print, round, Samples, save } from './measure.mjs';
import { withServer } from './redis/server.mjs';

const SMALL = 20_000;
const LARGE = 200_000;
const ROW_TIMEOUT_MS = 15 * 60_000;
/** The goals: time an object at the large size beside the small one, and milliseconds without a turn of the event loop. */
const MOST_GROWTH = 1.3;
const MOST_BLOCK = 50;

const rowScript = fileURLToPath(new URL('./growth-row.mjs', import.meta.url));

const USAGE = `npm run bench -- growth [--engine=redis] [--small=n] [--large=n] [--rows=text]
  --engine=redis  on a redis-server of its own, not in memory
  --rows=text     only rows whose names hold the text
  --small=n       not ${SMALL.toLocaleString('en')} objects         --large=n       not ${LARGE.toLocaleString('en')} objects`;

export const sizes = [SMALL, LARGE];
export const units = 'microseconds an object';

/** All rows once, in memory, after a warm-up. */
export async function measureRound({ size }) {
  const samples = new Samples();
  const inMemory = async () => undefined;
  for (const row of ROWS) {
    await measure(row, Math.min(size, SMALL), inMemory);
    samples.add(nameOf(row), (await measure(row, size, inMemory)).micros);
  }
  return samples;
}

/** Time an object at two sizes, and how long the event loop stands still. */
export async function run(args) {
  const options = {
    engine: { type: 'string' },
    small: { type: 'string' },
    large: { type: 'string' },
    rows: { type: 'string' },
    help: { type: 'boolean' },
  };
  const { values } = parseArgs({ args, options });
  if (values.help) return console.log(USAGE);
  const sizes = { small: Number(values.small ?? SMALL), large: Number(values.large ?? LARGE) };
  const names = ROWS.map(nameOf).filter((name) => name.includes(values.rows ?? ''));
  if (values.engine !== 'redis') return report(names, sizes, 'memory');
  await withServer((url) => report(names, sizes, 'redis', url));
}

async function report(names, { small, large }, engine, url) {
  const { cpu, cores, node } = machine();
  const title = `${cpu}, ${cores} cores, Node ${node}; ${engine}, ${small.toLocaleString('en')} and ${large.toLocaleString('en')} objects`;
  console.log(title);
  const rows = [];
  for (const name of names) {
    const given = [rowScript, JSON.stringify({ name, small, large, url })];
    const { stdout } = await promisify(execFile)(process.execPath, given, { timeout: ROW_TIMEOUT_MS });
    const { few, many } = JSON.parse(stdout);
    const growth = many.micros / few.micros;
    const growthOfWork = many.microsOfWork / few.microsOfWork;
    rows.push({ name, small: few.micros, large: many.micros, growth, growthOfWork, ...many });
  }
  print(
    ['', `us an object, ${small}`, `${large}`, 'growth', 'without GC', 'longest block, ms', 'without GC'],
    rows.map((row) => [
      row.name,
      round(row.small, 1),
      round(row.large, 1),
      round(row.growth),
      round(row.growthOfWork),
      round(row.block, 0),
      round(row.blockOfWork, 0),
    ]),
  );
  const ours = rows.filter(({ name }) => name !== COMPARISON);
  const missed = ours.filter(({ growth, block }) => growth > MOST_GROWTH || block > MOST_BLOCK);
  console.log(
    missed.length === 0
      ? `\nAll grow by ${MOST_GROWTH} at most, and let the event loop go on within ${MOST_BLOCK} ms`
      : `\nAbove a growth of ${MOST_GROWTH} or a block of ${MOST_BLOCK} ms: ${missed.map(({ name }) => name).join('; ')}`,
  );
  await save(`growth-${engine}`, { machine: machine(), sizes: { small, large }, rows });
}
