import { strict as assert } from 'node:assert';
import { Redis } from 'ioredis';
import { plainSide } from '../inventories.mjs';
import { Samples, time } from '../measure.mjs';
import { contenders } from './contenders.mjs';
import { referenceRows } from './reference.mjs';

/** Calls of what is awaited one by one, and objects of what touches a part of them. */
const CALLS = 2_000;
const PART = 10_000;

/** What is measured, in the order of the table; microseconds an object, or a call where it says so; the server: its CPU time. */
export const ROWS = [
  'add, each awaited',
  'add, none awaited',
  'addMany',
  'addMany, the server',
  're-add equal',
  'update',
  'get, each awaited',
  'getByUids',
  'getAll',
  'first of iterate (a call)',
  'count (a call)',
  'model names (a call)',
  'remove',
  'bytes an object',
];

/** Every contender does the same in turn, with the server to itself, once a round. */
export async function measureRows(url, { size, rounds }) {
  const samples = new Samples();
  const { devices } = plainSide('source', { size, parents: 0, alike: true });
  const admin = new Redis(url);
  try {
    for (let round = -1; round < rounds; round++) {
      const kept = round < 0 ? new Samples() : samples; // The first round warms up.
      for (const { name, load, most = size, rounds: own = rounds } of contenders) {
        if (round >= own) continue;
        await measureContender({ name, load }, url, devices.slice(0, most), admin, kept);
      }
    }
    await admin.flushall();
    const reference = await referenceRows(url);
    for (const [row, us] of Object.entries(reference.rows ?? {})) samples.add(`${row}: reference`, us);
    return { samples, reference };
  } finally {
    await admin.quit();
  }
}

/** The rows of our own store, measured once after a warm-up. */
export async function measureOurRows(url, size) {
  const samples = new Samples();
  const { devices } = plainSide('source', { size, parents: 0, alike: true });
  const admin = new Redis(url);
  try {
    for (const kept of [new Samples(), samples]) await measureContender(contenders[0], url, devices, admin, kept);
    await admin.flushall();
    return samples;
  } finally {
    await admin.quit();
  }
}

async function measureContender({ name, load }, url, devices, admin, samples) {
  await admin.flushall();
  const contender = await (await load())(url);
  try {
    await measure(contender, devices, admin, (row, value) => samples.add(`${row}: ${name}`, value));
  } finally {
    await contender.close();
  }
}

async function measure(contender, devices, admin, add) {
  const items = contender.items(devices);
  const changed = contender.items(devices.slice(0, PART).map((device) => ({ ...device, role: 'spine' })));
  const names = devices.map(({ name }) => name);
  const some = everyNth(names, Math.max(1, Math.floor(names.length / PART)));
  const timed = async (row, calls, work) => {
    const { ms, value } = await time(work);
    add(row, (ms * 1000) / calls);
    return value;
  };
  const oneByOne = async (all, work) => {
    for (const each of all) await work(each);
  };

  const single = items.slice(0, CALLS);
  await contender.addMany(single.slice(0, 10)); // Scripts are loaded, connections made.
  await admin.flushall();
  await timed('add, each awaited', single.length, () => oneByOne(single, (item) => contender.add(item)));
  await admin.flushall();
  await timed('add, none awaited', items.length, () => Promise.all(items.map((item) => contender.add(item))));
  await admin.flushall();
  const [memory, cpu] = [await usedMemory(admin), await usedCpu(admin)];
  await timed('addMany', items.length, () => contender.addMany(items));
  add('addMany, the server', ((await usedCpu(admin)) - cpu) / items.length);
  add('bytes an object', ((await usedMemory(admin)) - memory) / items.length);
  const part = items.slice(0, PART);
  await timed('re-add equal', part.length, () => contender.addMany(part));
  if (contender.updateMany !== undefined) {
    await timed('update', changed.length, () => contender.updateMany(changed));
  }
  const firsts = names.slice(0, CALLS);
  await timed('get, each awaited', firsts.length, () => oneByOne(firsts, (name) => contender.get(name)));
  const found = await timed('getByUids', some.length, () => contender.getByUids(some));
  assert.equal(found.length, some.length);
  if (contender.getAll !== undefined) {
    const all = await timed('getAll', items.length, () => contender.getAll(names));
    assert.equal(all.length, items.length);
    assert.ok(all.every(Boolean));
  }
  if (contender.first !== undefined) {
    assert.ok(await timed('first of iterate (a call)', 1, () => contender.first()));
  }
  if (contender.count !== undefined) {
    assert.equal(await timed('count (a call)', 1, () => contender.count()), items.length);
  }
  if (contender.modelNames !== undefined) {
    assert.deepEqual(await timed('model names (a call)', 1, () => contender.modelNames()), ['device']);
  }
  if (contender.removeMany !== undefined) await timed('remove', part.length, () => contender.removeMany(part));
}

async function usedMemory(admin) {
  return Number(/^used_memory:(\d+)/m.exec(await admin.info('memory'))[1]);
}

/** Microseconds, of the server and the kernel for it. */
async function usedCpu(admin) {
  const info = await admin.info('cpu');
  const seconds = ['user', 'sys'].map((kind) => Number(new RegExp(`^used_cpu_${kind}:([\\d.]+)`, 'm').exec(info)[1]));
  return (seconds[0] + seconds[1]) * 1e6;
}

function everyNth(list, nth) {
  return list.filter((_, at) => at % nth === 0).slice(0, PART);
}
