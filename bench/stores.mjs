import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { entryPoint } from './build.mjs';
import { contender } from './contender.mjs';
import { plainSide } from './inventories.mjs';
import { machine, print, round, Samples, save, time } from './measure.mjs';
import { open as openBareRedis } from './redis/bare.mjs';
import { open as openRedis } from './redis/ours.mjs';
import { withServer } from './redis/server.mjs';
import { open as openBareSqlite } from './stores/bare-sqlite.mjs';

const { LocalStore } = await entryPoint('.');
const { SqliteStore } = await entryPoint('./sqlite');

const SIZES = [10_000, 100_000];
const ROUNDS = 5;
/** So many objects go through everything first: what is measured is compiled code, of large and small sizes alike. */
const WARM_UP = 100_000;
/** Calls of what is awaited one by one. A local store, where one takes about a microsecond, has as many as there are objects. */
const CALLS = 2_000;
/** Calls of count. */
const COUNTS = 1_000;
const ROWS = ['add', 'addMany', 'get', 'getByUids', 'getAll', 'iterate', 'count', 'update', 'remove'];
/** The goals: how fast the bulk of SqliteStore is beside its bare driver, and how long it keeps the event loop waiting. */
const BULK = ['addMany', 'getByUids', 'getAll', 'iterate', 'update', 'remove'];
const MIN_SPEED = 0.5;
const MAX_BLOCK_MS = 50;

const USAGE = `npm run bench -- stores [--quick] [--size=n] [--rounds=n]
  --quick     10,000 objects, 3 rounds
  --size=n    this many objects, not 10,000 and 100,000
  --rounds=n  not ${ROUNDS}`;

/** Whom the rows compare: each store of ours, and what the same work costs at least with its bare driver. */
const CONTENDERS = [
  { name: 'local', open: () => contender(new LocalStore()) },
  { name: 'sqlite', open: async ({ path }) => contender(await SqliteStore.connect({ path })), bare: 'better-sqlite3' },
  { name: 'better-sqlite3', open: ({ path }) => openBareSqlite(path) },
  { name: 'redis', open: ({ url }) => openRedis(url), bare: 'ioredis' },
  { name: 'ioredis', open: ({ url }) => openBareRedis(url) },
];

const OUR_STORES = CONTENDERS.filter(({ name }) => ['local', 'sqlite', 'redis'].includes(name));

export const sizes = SIZES;
export const units = 'microseconds an object; add, get and count: a call';

/** The rows of our own stores: one sample of some milliseconds says little, so each is taken several times. */
export async function measureRound({ size, url }) {
  const samples = new Samples();
  const devices = devicesOf(size);
  for (let pass = -warmUps(size); pass < passes(size); pass++) {
    const kept = pass < 0 ? new Samples() : samples;
    for (const each of OUR_STORES) await withPlace(url, (place) => measure(each, place, devices, kept));
  }
  return samples;
}

export async function run(args) {
  const options = {
    quick: { type: 'boolean' },
    size: { type: 'string' },
    rounds: { type: 'string' },
    help: { type: 'boolean' },
  };
  const { values } = parseArgs({ args, options });
  if (values.help) return console.log(USAGE);
  const { cpu, cores, node } = machine();
  console.log(`${cpu}, ${cores} cores, Node ${node}; a file below ${tmpdir()}, redis-server on loopback`);
  await withServer(async (url) => {
    const chosen = values.size !== undefined ? [Number(values.size)] : values.quick ? SIZES.slice(0, 1) : SIZES;
    for (const size of chosen) await compare(url, size, Number(values.rounds ?? (values.quick ? 3 : ROUNDS)));
  });
}

async function compare(url, size, rounds) {
  const samples = new Samples();
  const blocks = new Samples();
  const devices = devicesOf(size);
  for (let round = -warmUps(size); round < rounds; round++) {
    const kept = round < 0 ? new Samples() : samples;
    for (const each of CONTENDERS) await withPlace(url, (place) => measure(each, place, devices, kept));
  }
  await withPlace(url, (place) => measure(CONTENDERS[1], place, devices, blocks, longestBlock));
  await report(size, rounds, samples, blocks);
}

function devicesOf(size) {
  return plainSide('source', { size, parents: 0, alike: true }).devices;
}

/** Rounds that are not counted; ten at most, so that a try with few objects is short. */
function warmUps(size) {
  return Math.min(10, Math.ceil(WARM_UP / size));
}

/** Passes of a round that are counted: as many objects for small sizes as for large ones, and three at least. */
function passes(size) {
  return Math.max(3, warmUps(size));
}

/** An empty file's path and an empty server. */
async function withPlace(url, work) {
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-bench-'));
  const { Redis } = await import('ioredis');
  const admin = new Redis(url);
  try {
    await admin.flushall();
    return await work({ url, path: join(folder, 'bench.db') });
  } finally {
    await admin.quit();
    await rm(folder, { recursive: true });
  }
}

/** @param meter what is measured of each piece of work, in milliseconds. */
async function measure({ name, open }, place, devices, samples, meter = time) {
  const store = await open(place);
  const items = store.items(devices);
  const changed = store.items(devices.map((device) => ({ ...device, role: 'spine' })));
  const names = devices.map((device) => device.name);
  const timed = async (row, calls, work) => {
    const { ms, value } = await meter(work);
    samples.add(`${row}: ${name}`, meter === time ? (ms * 1000) / calls : ms);
    return value;
  };
  try {
    const calls = name === 'local' ? items.length : CALLS;
    const single = items.slice(0, calls);
    await timed('add', single.length, async () => {
      for (const item of single) await store.add(item);
    });
    await store.removeMany(single);
    await timed('addMany', items.length, () => store.addMany(items));
    await timed('get', calls, async () => {
      for (const each of names.slice(0, calls)) await store.get(each);
    });
    const found = await timed('getByUids', names.length, () => store.getByUids(names));
    assert.equal(found.length, items.length);
    const all = await timed('getAll', items.length, () => store.getAll(names));
    assert.equal(all.length, items.length);
    if (store.iterate !== undefined) {
      let seen = 0;
      await timed('iterate', items.length, async () => {
        for await (const device of store.iterate()) if (device.name !== '') seen++;
      });
      assert.equal(seen, items.length);
    }
    if (store.count !== undefined) {
      const counts = await timed('count', COUNTS, async () => {
        let counted = 0;
        for (let call = 0; call < COUNTS; call++) counted += await store.count();
        return counted;
      });
      assert.equal(counts, items.length * COUNTS);
    }
    await timed('update', changed.length, () => store.updateMany(changed));
    assert.equal((await store.get(names[0])).role, 'spine');
    await timed('remove', items.length, () => store.removeMany(items));
  } finally {
    await store.close();
  }
}

/** The longest time for which `work` let no timer run. */
async function longestBlock(work) {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  await sleep(20);
  longest = 0;
  const value = await work();
  await sleep(5);
  clearInterval(timer);
  return { ms: longest, value };
}

async function report(size, rounds, samples, blocks) {
  const cell = (row, { name, bare }) => {
    if (samples.get(`${row}: ${name}`) === undefined) return '';
    const value = samples.median(`${row}: ${name}`);
    const text = `${round(value, value < 100 ? 1 : 0)}`;
    return bare === undefined || samples.get(`${row}: ${bare}`) === undefined
      ? text
      : `${text} (${speed(row, name, bare)})`;
  };
  const speed = (row, name, bare) => round(samples.ratio(`${row}: ${bare}`, `${row}: ${name}`));
  console.log(
    `\n${size.toLocaleString('en')} objects of about 200 bytes, medians of ${rounds} interleaved rounds; microseconds an ` +
      `object (add, get and count: a call), in brackets the speed beside the bare driver's`,
  );
  print(
    ['', ...CONTENDERS.map(({ name }) => name), 'sqlite: longest block'],
    ROWS.map((row) => [
      row,
      ...CONTENDERS.map((each) => cell(row, each)),
      `${round(blocks.median(`${row}: sqlite`), 0)} ms`,
    ]),
  );
  const slowest = Math.min(...BULK.map((row) => speed(row, 'sqlite', 'better-sqlite3')));
  const longest = Math.max(...ROWS.map((row) => blocks.median(`${row}: sqlite`)));
  console.log(`sqlite, slowest of ${BULK.join(', ')}: ${slowest} of the bare driver's speed (goal >= ${MIN_SPEED})`);
  console.log(`sqlite, longest block of the event loop: ${round(longest, 0)} ms (goal <= ${MAX_BLOCK_MS})`);
  await save(`stores-${size}`, { machine: machine(), objects: size, rounds, slowest, longest, samples, blocks });
}
