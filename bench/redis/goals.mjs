import { print as printTable, round } from '../measure.mjs';
import { jobName } from './jobs.mjs';

const [BARE, OURS] = ['ioredis + JSON', 'ours'];
const PEERS = ['keyv', 'unstorage'];

/** How many times as fast as the other one ours must be at least. The other side of single adds is the same bytes in bulk. */
const BESIDE_BARE = [
  ['addMany', 'addMany', 0.5],
  ['getAll', 'getAll', 0.9],
  ['getByUids', 'getByUids', 0.9],
  ['add, none awaited', 'addMany', 0.4],
  ['add, each awaited', 'add, each awaited', 0.7],
];
const BESIDE_PEERS = [
  ['addMany', 2],
  ['getAll', 3],
  ['getByUids', 2],
];
const BESIDE_REFERENCE = 30;

/** A goal: what, measured, bound, whether it is met. */
export function rowGoals(samples) {
  const bare = BESIDE_BARE.map(([row, other, least]) => {
    const beside = row === other ? '' : ` (its ${other})`;
    const speed = samples.ratio(`${other}: ${BARE}`, `${row}: ${OURS}`);
    return atLeast(`${row}, beside ${BARE}${beside}`, speed, least);
  });
  const peers = BESIDE_PEERS.map(([row, least]) => {
    const speeds = PEERS.map((peer) => [samples.ratio(`${row}: ${peer}`, `${row}: ${OURS}`), peer]);
    const [speed, best] = speeds.toSorted(([a], [b]) => a - b)[0];
    return atLeast(`${row}, beside the best of ${PEERS.join(' and ')} (${best})`, speed, least);
  });
  return [...bare, ...peers];
}

/** The floor reads both sides once; `twice`: and again, as the second diff does. */
export function jobGoals(samples, jobs, reference) {
  const sum = (job, doer, steps) =>
    steps.reduce((all, step) => all + samples.median(`${jobName(job)}: ${doer}: ${step}`), 0);
  const once = ['load', 'diff', 'sync'];
  const twice = [...once, 'second diff'];
  const total = (job) => samples.median(`${jobName(job)}: ours: total`);
  const peak = (job) => samples.median(`${jobName(job)}: ours: peak MiB`);
  const goals = [];
  const tree = jobs.find(({ size, parents }) => size === 100_000 && parents > 0);
  const large = jobs.find(({ size }) => size === 500_000);
  if (tree !== undefined) {
    const name = jobName(tree);
    const [first, all] = [sum(tree, 'ours', once), sum(tree, 'ours', twice)];
    goals.push(
      atMost(`${name}: load, diff, sync / floor`, first / sum(tree, 'floor', once), 2.5),
      atMost(`${name}: with the second diff / floor`, all / sum(tree, 'floor', once), 2.5),
      atMost(`${name}: with the second diff / floor that reads twice`, all / sum(tree, 'floor', twice), 2.5),
      atMost(`${name}: peak MiB`, peak(tree), 400),
    );
  }
  if (tree !== undefined && large !== undefined) {
    goals.push(
      atMost(`${jobName(large)} / ${jobName(tree)}`, total(large) / total(tree), 7),
      atMost(`${jobName(large)}: peak MiB`, peak(large), 900),
    );
  }
  const flat = jobs.find(({ size, parents }) => size === 10_000 && parents === 0);
  const { load, diff, sync } = reference.ms ?? {};
  if ([load, diff, sync].every((each) => each !== undefined) && flat !== undefined) {
    const speed = (load + diff + sync) / reference.objects / (sum(flat, 'ours', once) / flat.size);
    goals.push(atLeast(`${jobName(flat)}: an object, beside the reference`, speed, BESIDE_REFERENCE));
  }
  return goals;
}

export function print(goals) {
  if (goals.length === 0) return;
  printTable(
    ['goal', 'measured', 'bound', ''],
    goals.map(({ what, measured, bound, met }) => [what, measured, bound, met ? 'met' : 'MISSED']),
  );
}

function atLeast(what, measured, bound) {
  return { what, measured: round(measured), bound: `>= ${bound}`, met: measured >= bound };
}

function atMost(what, measured, bound) {
  return { what, measured: round(measured), bound: `<= ${bound}`, met: measured <= bound };
}
