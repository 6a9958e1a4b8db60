import { parseArgs } from 'node:util';
import { machine, print, round, save } from './measure.mjs';
import { contenders } from './redis/contenders.mjs';
import { jobGoals, print as printGoals, rowGoals } from './redis/goals.mjs';
import { DOERS, jobName, measureJobs, measureOurJob, STEPS } from './redis/jobs.mjs';
import { reportReference } from './redis/reference.mjs';
import { measureOurRows, measureRows, ROWS } from './redis/rows.mjs';
import { withServer } from './redis/server.mjs';

const SIZES = [10_000, 100_000];
const LARGE = 500_000;
const ROUNDS = 5;
const PARENTS = 100;

export const sizes = SIZES;
export const units = 'microseconds an object or a call; the whole job: milliseconds';

/** The rows of our own store and its whole job in a tree. */
export async function measureRound({ size, url }) {
  const samples = await measureOurRows(url, size);
  await measureOurJob(url, { size, parents: PARENTS }, samples);
  return samples;
}

const USAGE = `npm run bench -- redis [--rows] [--job] [--size=n] [--rounds=n] [--large] [--quick]
  --rows      only the operations, beside other stores       --job     only the whole job
  --size=n    this many objects, not 10,000 and 100,000      --large   only the job of 500,000 + 500,000
  --rounds=n  not ${ROUNDS}                                          --quick   10,000 objects, 3 rounds`;

/** RedisStore beside other stores, and the whole job beside what its bytes cost at least, on a server of its own. */
export async function run(args) {
  const options = {
    rows: { type: 'boolean' },
    job: { type: 'boolean' },
    large: { type: 'boolean' },
    quick: { type: 'boolean' },
    size: { type: 'string' },
    rounds: { type: 'string' },
    help: { type: 'boolean' },
  };
  const { values } = parseArgs({ args, options });
  if (values.help) return console.log(USAGE);
  const { cpu, cores, node } = machine();
  console.log(`${cpu}, ${cores} cores, Node ${node}; redis-server on loopback`);
  const chosen = values.rows || values.job || values.large;
  const sizes = values.size !== undefined ? [Number(values.size)] : values.quick ? SIZES.slice(0, 1) : SIZES;
  const rounds = Number(values.rounds ?? (values.quick ? 3 : ROUNDS));
  const large = values.large || (!chosen && !values.quick && values.size === undefined);
  await withServer(async (url) => {
    if (!chosen || values.rows) for (const size of sizes) await rows(url, { size, rounds });
    const jobs = [];
    if (!chosen || values.job) {
      for (const size of sizes) for (const parents of [0, PARENTS]) jobs.push({ size, parents, rounds });
    }
    // Beside its hundred thousand, by which it is judged.
    if (large && jobs.length === 0) jobs.push({ size: SIZES.at(-1), parents: PARENTS, rounds: 1 });
    if (large) jobs.push({ size: LARGE, parents: PARENTS, rounds: 1 });
    if (jobs.length > 0) await wholeJobs(url, jobs);
  });
}

async function rows(url, { size, rounds }) {
  const { samples, reference } = await measureRows(url, { size, rounds });
  const names = [...contenders.map(({ name }) => name), ...(reference.rows === undefined ? [] : ['reference'])];
  const cell = (row, name) => {
    const all = samples.get(`${row}: ${name}`);
    if (all === undefined) return '';
    const ratio = name === names[0] ? '' : ` (${round(samples.ratio(`${row}: ${name}`, `${row}: ${names[0]}`), 1)}x)`;
    const value = samples.median(`${row}: ${name}`);
    return `${round(value, value < 100 ? 1 : 0)}${ratio}`;
  };
  console.log(
    `\n${size.toLocaleString('en')} objects of about 200 bytes, medians of ${rounds} interleaved rounds; microseconds an ` +
      `object, in brackets beside ours`,
  );
  print(
    ['', ...names],
    ROWS.map((row) => [row, ...names.map((name) => cell(row, name))]),
  );
  for (const { name, most = size, rounds: own = rounds } of contenders) {
    if (most < size) console.log(`${name}: measured with ${most.toLocaleString('en')} objects`);
    if (own < rounds) console.log(`${name}: measured ${own} times`);
  }
  reportReference(reference, `measured once, with ${reference.objects?.toLocaleString('en')} objects`);
  const goals = rowGoals(samples);
  printGoals(goals);
  await save(`redis-rows-${size}`, { machine: machine(), objects: size, rounds, goals, reference, samples });
}

async function wholeJobs(url, jobs) {
  const { samples, reference } = await measureJobs(url, jobs);
  console.log('\nThe whole job, each in a process of its own; milliseconds');
  const median = (job, doer, what) => round(samples.median(`${jobName(job)}: ${doer}: ${what}`), 0);
  print(
    ['objects', 'rounds', '', ...STEPS, 'total', 'peak MiB'],
    jobs.flatMap((job) =>
      DOERS.map((doer) => [
        jobName(job),
        job.rounds,
        doer,
        ...[...STEPS, 'total', 'peak MiB'].map((what) => median(job, doer, what)),
      ]),
    ),
  );
  reportReference(
    reference,
    `${reference.objects} + ${reference.objects} flat, in milliseconds: ${JSON.stringify(reference.ms)}`,
  );
  const goals = jobGoals(samples, jobs, reference);
  printGoals(goals);
  await save('redis-job', { machine: machine(), jobs, goals, reference, samples });
}
