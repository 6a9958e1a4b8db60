import { strict as assert } from 'node:assert';
import { parseArgs } from 'node:util';
import { bound, loadAdapter, plainSide, wideParent } from './inventories.mjs';
import {
  bulkCallsRow,
  bulkRow,
  HOOK_MS,
  MAX_BULK_CALLS,
  measureBulkCreates,
  measureUpdates,
  MIN_SPEED_UP,
  updatesOf,
  updatesRow,
} from './hooks.mjs';
import { machine, peakRssMiB, print, round, Samples, save, time } from './measure.mjs';

const ROUNDS = 5;
/** Bound and diff in turn, so many times on the same data: one alone says little, as a single bound is so short. */
const REPEATS = 3;
const SIZE = 100_000;
/** Children of one parent, as shares of the size: 4,000 and 32,000 of 100,000. */
const CHILD_SHARES = [0.04, 0.32];
/** The rows of hooks warm up on so much less: one hook at a time takes long, and a round of the baseline has nothing else. */
const HOOK_WARM_UP_SHARE = 0.01;
/** The goals: of the diff beside the bound, and of a child of many beside a child of few. */
const MAX_DIFF_RATIO = 4;
const MAX_CHILD_RATIO = 1.5;

const shapes = [
  { shape: 'flat', parents: 0 },
  { shape: '100 x 1,000 tree', parents: 100 },
];

const USAGE = `npm run bench -- engine [--size=n] [--rounds=n]
  --size=n    this many objects a side, not ${SIZE.toLocaleString('en')}
  --rounds=n  not ${ROUNDS}`;

export const sizes = [SIZE];
export const units = 'milliseconds; a sync of children: microseconds a child; bulk calls: how many';

/** Diff and sync in memory, beside the least that any comparison of plain Maps must do; each round measures all of it. */
export async function run(args) {
  const options = { size: { type: 'string' }, rounds: { type: 'string' }, help: { type: 'boolean' } };
  const { values } = parseArgs({ args, options });
  if (values.help) return console.log(USAGE);
  const [size, rounds] = [Number(values.size ?? SIZE), Number(values.rounds ?? ROUNDS)];
  const samples = new Samples();
  await warmUp(size);
  for (let round = 0; round < rounds; round++) await measureAll(size, samples);
  await report(samples, size, rounds);
}

/** All rows once, after a warm-up. */
export async function measureRound({ size }) {
  const samples = new Samples();
  await warmUp(size);
  await measureAll(size, samples);
  return samples;
}

function warmUp(size) {
  return measureAll(size, new Samples(), Math.ceil(size * HOOK_WARM_UP_SHARE));
}

async function measureAll(size, samples, hookSize = size) {
  for (const shape of shapes) await measureShape(shape, size, samples);
  const counts = childCounts(size);
  for (const children of counts) await measureChildren(children, Math.max(...counts), samples);
  await measureUpdates(hookSize, samples);
  await measureBulkCreates(hookSize, samples);
}

function childCounts(size) {
  return CHILD_SHARES.map((share) => Math.max(1, Math.round(size * share)));
}

async function measureShape({ shape, parents }, size, samples) {
  const inputs = { size, parents };
  for (const alike of [true, false]) {
    const what = alike ? 'identical' : '15 % differ';
    const plain = ['source', 'target'].map((side) => plainSide(side, { ...inputs, alike }));
    // Loaded first, which computes the hashes of the unique ids: then neither the bound nor the diff pays for them.
    const load = await time(() => Promise.all(plain.map((side, at) => loadAdapter(`side ${at}`, side))));
    const [source, target] = load.value;
    let diff;
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const least = await time(() => bound(...plain));
      samples.add(`${shape}, ${what}: bound`, least.ms);
      diff = undefined; // Else its memory is there while the next is made.
      diff = await time(() => target.diffFrom(source));
      samples.add(`${shape}, ${what}: diff`, diff.ms);
      check(diff.value, least.value);
    }
    if (alike) continue;

    samples.add(`${shape}: load of both sides`, load.ms);
    const sync = await time(() => target.syncFrom(source, { diff: diff.value }));
    samples.add(`${shape}, ${what}: sync of the diff`, sync.ms);
    const second = await time(() => target.diffFrom(source));
    samples.add(`${shape}, ${what}: second diff`, second.ms);
    assert.equal(second.value.hasDiffs(), false);
  }
}

function check(diff, found) {
  const { create, update, delete: gone } = diff.summary();
  assert.deepEqual([create, update, gone], [found.create.length, found.update.length, found.delete.length]);
}

async function measureChildren(children, most, samples) {
  // As many children in all for each size, timed together: else the few would be measured less warm than the many.
  const pairs = [];
  for (let left = most; left > 0; left -= children) pairs.push(await wideParent(children));
  const syncs = await time(async () => {
    for (const { source, target } of pairs) await target.syncFrom(source);
  });
  for (const { target } of pairs) assert.equal(await target.count('device'), children);
  samples.add(childRow(children), (syncs.ms * 1000) / pairs.length / children);
}

function childRow(children) {
  return `sync that creates ${children.toLocaleString('en')} children of one parent`;
}

async function report(samples, size, rounds) {
  const rows = [];
  const ratios = {};
  for (const { shape } of shapes) {
    rows.push([`${shape}: load of both sides`, ms(samples.median(`${shape}: load of both sides`)), '', '']);
    for (const what of ['identical', '15 % differ']) {
      const [least, diff] = ['bound', 'diff'].map((kind) => samples.median(`${shape}, ${what}: ${kind}`));
      const ratio = round(diff / least);
      ratios[`${shape}, ${what}: diff / bound`] = ratio;
      rows.push([`${shape}, ${what}: bound`, ms(least), '', '']);
      rows.push([`${shape}, ${what}: diff`, ms(diff), `${ratio} x bound`, `<= ${MAX_DIFF_RATIO}`]);
    }
    for (const kind of ['sync of the diff', 'second diff']) {
      rows.push([`${shape}: ${kind}`, ms(samples.median(`${shape}, 15 % differ: ${kind}`)), '', '']);
    }
  }
  const counts = childCounts(size);
  const [few, many] = counts.map((children) => samples.median(childRow(children)));
  const childRatio = round(many / few);
  ratios['a child of many / a child of few'] = childRatio;
  rows.push([childRow(counts[0]), `${round(few)} us each`, '', '']);
  rows.push([childRow(counts[1]), `${round(many)} us each`, `${childRatio} x`, `<= ${MAX_CHILD_RATIO}`]);

  const updates = samples.median(updatesRow(size));
  const speedUp = round((updatesOf(size) * HOOK_MS) / updates);
  ratios['hooks one at a time / scattered updates'] = speedUp;
  rows.push([updatesRow(size), ms(updates), `1/${speedUp} of one at a time`, `<= 1/${MIN_SPEED_UP}`]);
  rows.push([bulkRow(size), ms(samples.median(bulkRow(size))), '', '']);
  rows.push([bulkCallsRow(size), samples.median(bulkCallsRow(size)), '', `<= ${MAX_BULK_CALLS}`]);

  const { cpu, cores, node } = machine();
  console.log(`${cpu}, ${cores} cores, Node ${node}; ${size.toLocaleString('en')} objects a side, in memory`);
  console.log(
    `medians of ${rounds} interleaved rounds, of bounds and diffs ${REPEATS} in each; peak memory ${peakRssMiB()} MiB`,
  );
  print(['', 'median', 'ratio', 'goal'], rows);
  await save('engine', {
    machine: machine(),
    objects: size,
    rounds,
    repeats: REPEATS,
    peakRssMiB: peakRssMiB(),
    ratios,
    samples,
  });
}

function ms(number) {
  return `${round(number, 1)} ms`;
}
