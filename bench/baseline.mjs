import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { copyBuild, unpackBuild } from '../scripts/packed-build.mjs';
import { BUILD_VARIABLE } from './build.mjs';
import { machine, print, round, Samples, save } from './measure.mjs';
import { withServer } from './redis/server.mjs';
import { giveTurns } from './turns.mjs';

const ROUNDS = 9;
const ROUND_TIMEOUT_MS = 15 * 60_000;
const roundScript = fileURLToPath(new URL('./round.mjs', import.meta.url));

export function isComparison(args) {
  return args.some((arg) => arg === '--baseline' || arg.startsWith('--baseline='));
}

/**
 * Measures this repository's build beside a packed one, row by row in turn, each round in two new processes, and prints for each
 * row the medians and ours divided by the baseline's. Both builds lie in a temporary folder and use this repository's node_modules.
 */
export async function compareBuilds(name, { sizes, units }, args) {
  const options = { baseline: { type: 'string' }, rounds: { type: 'string' }, size: { type: 'string' } };
  const { values } = parseArgs({ args, options });
  const rounds = Number(values.rounds ?? ROUNDS);
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-bench-'));
  try {
    // A copy of ours: a build made meanwhile changes nothing, and both builds are found in the same way.
    const builds = {
      ours: await copyBuild(join(folder, 'ours')),
      baseline: await unpackBuild(values.baseline, join(folder, 'baseline')),
    };
    await withServers(async (urls) => {
      for (const size of values.size === undefined ? sizes : [Number(values.size)]) {
        const samples = await measureInTurn(name, builds, urls, rounds, size);
        await report(name, { size, rounds, units, file: values.baseline }, samples);
      }
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Calls `work` with the URLs of a server for each build. */
export function withServers(work) {
  return withServer((ours) => withServer((baseline) => work({ ours, baseline })));
}

/** @param urls - a server for each build: a round empties its server. */
async function measureInTurn(name, builds, urls, rounds, size) {
  const samples = new Samples();
  for (let at = 0; at < rounds; at++) {
    // Who comes first may find the machine otherwise than who comes second.
    const inOrder = at % 2 === 0 ? Object.keys(builds) : Object.keys(builds).toReversed();
    const started = inOrder.map((build) => startRound(name, builds[build], { size, url: urls[build] }));
    for (const [position, medians] of (await giveTurns(started)).entries()) {
      for (const [row, value] of Object.entries(medians)) samples.add(`${row}: ${inOrder[position]}`, value);
    }
    process.stderr.write(`${name}: round ${at + 1} of ${rounds}\n`);
  }
  return samples;
}

function startRound(name, root, options) {
  return fork(roundScript, [name, JSON.stringify(options)], {
    env: { ...process.env, [BUILD_VARIABLE]: root },
    timeout: ROUND_TIMEOUT_MS,
  });
}

async function report(name, { size, rounds, units, file }, samples) {
  const names = samples.names().filter((row) => row.endsWith(': ours'));
  const rows = names.map((ours) => {
    const row = ours.slice(0, -': ours'.length);
    const medians = { ours: samples.median(ours), baseline: samples.median(`${row}: baseline`) };
    return {
      row,
      ...medians,
      ratio: round(medians.ours / medians.baseline, 3),
      paired: round(samples.ratio(ours, `${row}: baseline`), 3),
      lowest: round(samples.lowest(ours) / samples.lowest(`${row}: baseline`), 3),
    };
  });
  const { cpu, cores, node } = machine();
  console.log(`${cpu}, ${cores} cores, Node ${node}; ${size.toLocaleString('en')} objects; ${units}`);
  console.log(
    `medians of ${rounds} rounds, row by row in turn, beside ${file}; ratio: ours / baseline, of the medians; paired: the median of ` +
      `the rounds' own ratios; lowest: of each build's lowest round, which other work on the machine disturbs least`,
  );
  print(
    ['', 'ours', 'baseline', 'ratio', 'paired', 'lowest'],
    rows.map((each) => [each.row, digits(each.ours), digits(each.baseline), each.ratio, each.paired, each.lowest]),
  );
  const worst = rows.toSorted((a, b) => b.ratio - a.ratio)[0];
  if (worst !== undefined) console.log(`highest ratio: ${worst.ratio} (${worst.row})\n`);
  await save(`${name}-${size}-baseline`, { machine: machine(), objects: size, rounds, rows, samples });
}

function digits(value) {
  return round(value, value < 10 ? 3 : 1);
}
