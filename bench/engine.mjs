import { strict as assert } from 'node:assert';
import { bound, loadAdapter, plainSide, wideParent } from './inventories.mjs';
import { machine, peakRssMiB, print, round, Samples, save, time } from './measure.mjs';

const ROUNDS = 5;
/** Bound and diff in turn, so many times on the same data: one alone says little, as a single bound is so short. */
const REPEATS = 3;
const SIZE = 100_000;
const CHILDREN = [4_000, 32_000];
/** The goals: of the diff beside the bound, and of a child of many beside a child of few. */
const MAX_DIFF_RATIO = 4;
const MAX_CHILD_RATIO = 1.5;

const shapes = [
  { shape: 'flat', parents: 0 },
  { shape: '100 x 1,000 tree', parents: 100 },
];

/** Diff and sync in memory, beside the least that any comparison of plain Maps must do; each round measures all of it. */
export async function run() {
  const samples = new Samples();
  for (let round = -1; round < ROUNDS; round++) {
    const kept = round < 0 ? new Samples() : samples; // The first round warms up.
    for (const shape of shapes) await measureShape(shape, kept);
    for (const children of CHILDREN) await measureChildren(children, kept);
  }
  await report(samples);
}

async function measureShape({ shape, parents }, samples) {
  const inputs = { size: SIZE, parents };
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

async function measureChildren(children, samples) {
  // As many children in all for each size, timed together: else the few would be measured less warm than the many.
  const pairs = [];
  for (let left = Math.max(...CHILDREN); left > 0; left -= children) pairs.push(await wideParent(children));
  const syncs = await time(async () => {
    for (const { source, target } of pairs) await target.syncFrom(source);
  });
  for (const { target } of pairs) assert.equal(await target.count('device'), children);
  samples.add(childRow(children), (syncs.ms * 1000) / pairs.length / children);
}

function childRow(children) {
  return `sync that creates ${children.toLocaleString('en')} children of one parent`;
}

async function report(samples) {
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
  const [few, many] = CHILDREN.map((children) => samples.median(childRow(children)));
  const childRatio = round(many / few);
  ratios['a child of many / a child of few'] = childRatio;
  rows.push([childRow(CHILDREN[0]), `${round(few)} us each`, '', '']);
  rows.push([childRow(CHILDREN[1]), `${round(many)} us each`, `${childRatio} x`, `<= ${MAX_CHILD_RATIO}`]);

  const { cpu, cores, node } = machine();
  console.log(`${cpu}, ${cores} cores, Node ${node}; ${SIZE.toLocaleString('en')} objects a side, in memory`);
  console.log(
    `medians of ${ROUNDS} interleaved rounds, of bounds and diffs ${REPEATS} in each; peak memory ${peakRssMiB()} MiB`,
  );
  print(['', 'median', 'ratio', 'goal'], rows);
  await save('engine', {
    machine: machine(),
    objects: SIZE,
    rounds: ROUNDS,
    repeats: REPEATS,
    peakRssMiB: peakRssMiB(),
    ratios,
    samples,
  });
}

function ms(number) {
  return `${round(number, 1)} ms`;
}
