/** Runs in parts on workers, beside one process: with a slow hook, without one, and the memory of one part. */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { entryPoint } from './build.mjs';
import { device } from './inventories.mjs';
import { machine, median, print, round, save } from './measure.mjs';
import { Device, start } from './queue/application.mjs';
import { withServer } from './redis/server.mjs';

const { SyncRunner } = await entryPoint('.');
const { SyncQueue } = await entryPoint('./bullmq');
const script = fileURLToPath(new URL('./queue/process.mjs', import.meta.url));

/** The goals. */
const HOOK = { size: 20_000, hookMs: 10, workers: 4, concurrency: 8, parts: 8, least: 3.2 };
const PLAIN = { size: 100_000, workers: 2, parts: 8, most: 1.3, mostOfOne: 1.1 };
const MEMORY = { size: 500_000, parts: 16, most: 1 / 5 };
const ROUNDS = 3;
const PAGE = 10_000;

const USAGE = `npm run bench -- queue [--rows=text] [--share=n] [--rounds=n]
  --rows=text   only the rows hooks, parts or memory
  --share=n     not all objects, but so large a share of them, 0.1 for example
  --rounds=n    not ${ROUNDS} rounds, of which the medians count`;

/** What a run is made with, on the queue and without it. */
const RUN = { load: 'none' };

export async function run(args) {
  const options = {
    rows: { type: 'string', default: '' },
    share: { type: 'string', default: '1' },
    rounds: { type: 'string', default: String(ROUNDS) },
    help: { type: 'boolean' },
  };
  const { values } = parseArgs({ args, options });
  if (values.help) return console.log(USAGE);
  const [share, rounds] = [Number(values.share), Number(values.rounds)];
  const { cpu, cores, node } = machine();
  console.log(`${cpu}, ${cores} cores, Node ${node}; a server and ${rounds} rounds for each row, medians`);
  const results = [];
  for (const [name, measure] of Object.entries({ hooks, parts, memory })) {
    if (name.includes(values.rows)) results.push(...(await measure(share, rounds)));
  }
  print(
    ['', 'one process', 'on the queue', 'ratio', 'goal', ''],
    results.map(({ row, one, queue, unit, ratio, goal, isMet }) => [
      row,
      `${round(one, 1).toLocaleString('en')} ${unit}`,
      `${round(queue, 1).toLocaleString('en')} ${unit}`,
      round(ratio),
      goal,
      isMet ? 'met' : 'missed',
    ]),
  );
  await save('queue', { machine: machine(), share, rounds, results });
  if (share === 1 && results.some(({ isMet }) => !isMet)) process.exitCode = 1;
}

/** A slow API: many workers call it at the same time. */
async function hooks(share, rounds) {
  const { hookMs, workers, concurrency, parts, least } = HOOK;
  const size = Math.round(HOOK.size * share);
  const how = { ...RUN, concurrency };
  const sides = (side) => (side === 'network' ? size : 0);
  const { one, queue } = await turns(rounds, { hookMs, sides, how, workers, parts });
  const ratio = one.ms / queue.ms;
  const row = `${size.toLocaleString('en')} creates, a ${hookMs} ms hook, concurrency ${concurrency}; ${workers} workers, ${parts} parts`;
  return [
    { row, one: one.ms / 1000, queue: queue.ms / 1000, unit: 's', ratio, goal: `>= ${least}`, isMet: ratio >= least },
  ];
}

/** No hooks: what dividing the work costs. */
async function parts(share, rounds) {
  const size = Math.round(PLAIN.size * share);
  const sides = () => size;
  const found = [];
  for (const [workers, parts, most] of [
    [PLAIN.workers, PLAIN.parts, PLAIN.most],
    [1, 1, PLAIN.mostOfOne],
  ]) {
    const { one, queue } = await turns(rounds, { sides, how: RUN, workers, parts });
    const ratio = queue.ms / one.ms;
    const row = `${size.toLocaleString('en')} + ${size.toLocaleString('en')}, no hooks; ${workers} workers, ${parts} parts`;
    found.push({
      row,
      one: one.ms / 1000,
      queue: queue.ms / 1000,
      unit: 's',
      ratio,
      goal: `<= ${most}`,
      isMet: ratio <= most,
    });
  }
  return found;
}

/** The memory of a process that performs one part, beside that of one which performs all. */
async function memory(share) {
  const { parts, most } = MEMORY;
  const size = Math.round(MEMORY.size * share);
  const work = { sides: () => size, how: RUN, parts };
  const one = await withServer((url) => inOneProcess(url, work));
  const part = await withServer((url) => inParts(url, work));
  const ratio = part.rss / one.rss;
  const row = `peak memory, ${size.toLocaleString('en')} + ${size.toLocaleString('en')}; one part of ${parts}`;
  return [{ row, one: one.rss, queue: part.rss, unit: 'MiB', ratio, goal: `<= ${most}`, isMet: ratio <= most }];
}

/** Measures a run in one process and one on the queue, in turns, each into a target of its own. */
async function turns(rounds, work) {
  const samples = { one: [], queue: [] };
  for (let at = 0; at < rounds; at++) {
    await withServer(async (url) => samples.one.push(await inOneProcess(url, work)));
    await withServer(async (url) => samples.queue.push(await onQueue(url, work)));
  }
  const middle = (of) => ({ ms: median(of.map(({ ms }) => ms)), rss: median(of.map(({ rss }) => rss)) });
  return { one: middle(samples.one), queue: middle(samples.queue) };
}

async function inOneProcess(url, { hookMs, sides, how }) {
  const name = randomUUID();
  const app = await start({ url, name });
  await fill(app, sides);
  await app.close();
  const child = await process_({ url, name, hookMs });
  const answer = once(child, 'message');
  child.send({ run: how });
  const [{ ms, rss }] = await answer;
  await endOf(child);
  return { ms, rss };
}

async function onQueue(url, { hookMs, sides, how, workers, parts }) {
  const name = randomUUID();
  const app = await start({ url, name, worker: false });
  await fill(app, sides);
  const queue = app.get(SyncQueue);
  const order = { url, name, hookMs, worker: {} };
  const measured = await Promise.all(Array.from({ length: workers }, () => process_(order)));
  const started = performance.now();
  const { runId, job } = await queue.add({ ...how, source: 'network', target: 'cmdb', parts });
  await ended(job, queue, runId);
  const ms = performance.now() - started;
  const all = await Promise.all(measured.map(endOf));
  await app.close();
  return { ms, rss: Math.max(...all.map(({ rss }) => rss)) };
}

/** A run whose first part, both its steps, a process performs that does nothing else. */
async function inParts(url, { sides, how, parts }) {
  const name = randomUUID();
  const app = await start({ url, name, worker: false });
  await fill(app, sides);
  const child = await process_({ url, name, worker: {} });
  const [runner, source, target] = [app.get(SyncRunner), app.get('network'), app.get('cmdb')];
  const perform = async (part) => {
    if (part.index > 0) return runner.performPart(part, { source, target });
    const answer = once(child, 'message');
    child.send({ part });
    const [{ result }] = await answer;
    return result;
  };
  await runner.run({ ...how, source, target, parts: { of: parts, perform } });
  const { rss } = await endOf(child);
  await app.close();
  return { rss };
}

async function ended(job, queue, runId) {
  for (;;) {
    const state = await job.getState();
    if (state === 'failed') throw new Error((await queue.get(runId)).error);
    if (state === 'completed') return;
    await sleep(10);
  }
}

/** A process that has started its application. */
async function process_(order) {
  const child = fork(script, { execArgv: [] });
  child.send(order);
  const [message] = await once(child, 'message');
  if (message !== 'ready') throw new Error(`a process of the benchmark said ${JSON.stringify(message)}`);
  return child;
}

async function endOf(child) {
  const answer = once(child, 'message');
  child.send('end');
  const [message] = await answer;
  return message;
}

/** Fills both sides: one in 20 is on one side only, and one in 20 has another role, as in the other benchmarks. */
async function fill(app, sides) {
  for (const side of ['network', 'cmdb']) {
    const adapter = app.get(side);
    for (let from = 0; from < sides(side); from += PAGE) {
      const numbers = Array.from({ length: Math.min(PAGE, sides(side) - from) }, (_, at) => from + at);
      const devices = numbers
        .filter((number) => sides('cmdb') === 0 || number % 20 !== (side === 'network' ? 5 : 0))
        .map((number) =>
          Device.hydrate(
            device(`device-${String(number).padStart(6, '0')}`, number, side === 'network' && number % 20 === 10),
          ),
        );
      await adapter.addMany(devices);
    }
  }
}
