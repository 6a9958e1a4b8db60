import { parseArgs } from 'node:util';
import { entryPoint } from './build.mjs';
import { machine, print, round, Samples, save, time } from './measure.mjs';
import { withServer } from './redis/server.mjs';

const { Adapter, Diff, DiffSyncModel } = await entryPoint('.');

const SMALL = 20_000;
const LARGE = 200_000;
/** The sizes are measured so often, after a warm-up; the lowest counts, which other work on the machine disturbs least. */
const ROUNDS = { small: 3, large: 2 };
const DEPTH = 1000;
const PORTS = 5;
const MARKED_DEPTH = 100;
/** The goals: time an object at the large size beside the small one, and milliseconds without a turn of the event loop. */
const MOST_GROWTH = 1.3;
const MOST_BLOCK = 50;
const CHUNK = 64 * 1024;

const logger = { isEnabled: () => false, debug() {}, info() {}, warning() {}, error() {} };
const trusting = { '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value }) } };

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: trusting,
  identifiers: ['name'],
  attributes: ['role'],
  children: { port: 'ports', device: 'inner' },
}) {}
class Port extends DiffSyncModel.define({
  name: 'port',
  schema: trusting,
  identifiers: ['name'],
  attributes: ['mtu'],
}) {}
class Inventory extends Adapter {
  static models = [Device, Port];
  static topLevel = ['device'];
}

/** Devices with five ports each. */
function wide(size, mtuOf) {
  const objects = [];
  for (let number = 0; objects.length < size; number++) {
    const ports = Array.from({ length: PORTS }, (_, at) => `d${number}-p${at}`);
    objects.push(Device.hydrate({ name: `d${number}`, role: 'leaf', ports, inner: [] }));
    for (const [at, name] of ports.entries()) objects.push(Port.hydrate({ name, mtu: mtuOf(at) }));
  }
  return objects;
}

/** Chains of a thousand devices. */
function deep(size, roleOf) {
  return Array.from({ length: size }, (_, number) => {
    const inner = number % DEPTH === DEPTH - 1 ? [] : [`d${number + 1}`];
    return Device.hydrate({ name: `d${number}`, role: roleOf(number), ports: [], inner });
  });
}

/** One device with all ports, by their numbers. */
function oneParent(numbers, mtuOf) {
  const ports = numbers.map((number) => Port.hydrate({ name: `p${number}`, mtu: mtuOf(number) }));
  return [Device.hydrate({ name: 'd', role: 'leaf', ports: ports.map(({ name }) => name), inner: [] }), ...ports];
}

const numbersTo = (size) => Array.from({ length: size }, (_, number) => number);
const equal = () => 1500;

/** Makes two inventories. A quarter of one parent's ports is new, one is gone, and one has another MTU. */
const SIDES = {
  wide: (size) => [wide(size, equal), wide(size, (at) => 1500 + (at % 2))],
  deep: (size) => [deep(size, () => 'leaf'), deep(size, (number) => (number % MARKED_DEPTH === 0 ? 'spine' : 'leaf'))],
  parent: (size) => [
    oneParent(
      numbersTo(size).filter((number) => number % 4 !== 0),
      (number) => (number % 4 === 2 ? 9000 : 1500),
    ),
    oneParent(
      numbersTo(size).filter((number) => number % 4 !== 1),
      equal,
    ),
  ],
};

const wideDiff = { kind: 'wide', needs: 'diff' };
const deepDiff = { kind: 'deep', needs: 'diff' };
const compare = ({ source, target }) => target.adapter.diffFrom(source.adapter);
const apply = ({ source, target, diff }) => target.adapter.syncFrom(source.adapter, { diff });

const KINDS = { wide: 'five ports a device', deep: 'a depth of 1,000', parent: 'half of one parent' };

/** Each row does its work on two inventories of its kind, and on what it needs besides. */
const ROWS = [
  { name: 'addMany', kind: 'wide', work: ({ fresh, source }) => fresh.addMany(source.objects) },
  { name: 'diffFrom', kind: 'wide', work: compare },
  { name: 'toDictAsync', ...wideDiff, work: ({ diff }) => diff.toDictAsync() },
  { name: 'toStringAsync', ...wideDiff, work: ({ diff }) => diff.toStringAsync() },
  { name: 'toJSONAsync', ...wideDiff, work: ({ diff }) => diff.toJSONAsync() },
  {
    name: 'fromJSONLines',
    kind: 'wide',
    needs: 'plan',
    work: ({ plan, target }) => Diff.fromJSONLines(plan, { target: target.adapter }),
  },
  { name: 'syncFrom', ...wideDiff, work: apply },
  { name: 'toDict of an adapter', kind: 'wide', work: ({ source }) => source.adapter.toDict() },
  { name: 'loadFromDict', kind: 'wide', needs: 'dict', work: ({ fresh, dict }) => fresh.loadFromDict(dict) },
  { name: 'str of an adapter', kind: 'wide', work: ({ source }) => source.adapter.str() },
  { name: 'verify', kind: 'wide', work: ({ source }) => source.adapter.store.verify() },
  { name: 'diffFrom', kind: 'deep', work: compare },
  { name: 'toDictAsync', ...deepDiff, work: ({ diff }) => diff.toDictAsync() },
  { name: 'syncFrom', ...deepDiff, work: apply },
  { name: 'diffFrom', kind: 'parent', work: compare },
  { name: 'syncFrom', kind: 'parent', needs: 'diff', work: apply },
  {
    name: 'remove, with all below',
    kind: 'parent',
    work: ({ source }) => source.adapter.remove(source.objects[0], true),
  },
];

/** What a row needs besides the inventories. */
const NEEDS = {
  diff: async (sides) => ({ diff: await compare(sides) }),
  plan: async (sides) => ({ plan: chunksOf([...(await compare(sides)).toJSONLines()].join('')) }),
  dict: async ({ source }) => ({ dict: await source.adapter.toDict() }),
};

export const sizes = [SMALL, LARGE];
export const units = 'microseconds an object';

/** All rows once, in memory, after a warm-up. */
export async function measureRound({ size }) {
  const samples = new Samples();
  for (const row of ROWS) {
    await measure(row, Math.min(size, SMALL), inMemory);
    samples.add(nameOf(row), (await measure(row, size, inMemory)).micros);
  }
  return samples;
}

async function inMemory() {
  return undefined;
}

const USAGE = `npm run bench -- growth [--engine=redis] [--small=n] [--large=n] [--rows=text]
  --engine=redis  on a redis-server of its own, not in memory
  --rows=text     only rows whose names hold the text
  --small=n       not ${SMALL.toLocaleString('en')} objects         --large=n       not ${LARGE.toLocaleString('en')} objects`;

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
  const wanted = ROWS.filter((row) => nameOf(row).includes(values.rows ?? ''));
  if (values.engine !== 'redis') return report(wanted, sizes, 'memory', inMemory);
  const { RedisStore } = await entryPoint('./redis');
  await withServer((url) => report(wanted, sizes, 'redis', (storeId) => RedisStore.connect({ url, storeId, logger })));
}

async function report(wanted, { small, large }, engine, storeOf) {
  const { cpu, cores, node } = machine();
  const title = `${cpu}, ${cores} cores, Node ${node}; ${engine}, ${small.toLocaleString('en')} and ${large.toLocaleString('en')} objects`;
  console.log(title);
  const rows = [];
  for (const row of wanted) {
    await measure(row, small, storeOf);
    const few = await lowest(ROUNDS.small, () => measure(row, small, storeOf));
    const many = await lowest(ROUNDS.large, () => measure(row, large, storeOf));
    const growth = many.micros / few.micros;
    rows.push({ name: nameOf(row), small: few.micros, large: many.micros, growth, block: many.block });
  }
  print(
    ['', `us an object, ${small}`, `${large}`, 'growth', 'longest block, ms'],
    rows.map((row) => [row.name, round(row.small, 1), round(row.large, 1), round(row.growth), round(row.block, 0)]),
  );
  const missed = rows.filter(({ growth, block }) => growth > MOST_GROWTH || block > MOST_BLOCK);
  console.log(
    missed.length === 0
      ? `\nAll grow by ${MOST_GROWTH} at most, and let the event loop go on within ${MOST_BLOCK} ms`
      : `\nAbove a growth of ${MOST_GROWTH} or a block of ${MOST_BLOCK} ms: ${missed.map(({ name }) => name).join('; ')}`,
  );
  await save(`growth-${engine}`, { machine: machine(), sizes: { small, large }, rows });
}

async function lowest(rounds, measured) {
  const found = { micros: Infinity, block: Infinity };
  for (let round = 0; round < rounds; round++) {
    const { micros, block } = await measured();
    found.micros = Math.min(found.micros, micros);
    found.block = Math.min(found.block, block);
  }
  return found;
}

function nameOf({ kind, name }) {
  return `${KINDS[kind]}: ${name}`;
}

/** Does the work of a row once. @returns its microseconds an object, and how long the event loop stood still, in milliseconds. */
async function measure({ kind, needs, work }, size, storeOf) {
  const adapters = [];
  const inventoryOf = async (name, objects) => {
    const adapter = new Inventory({ name, logger, store: await storeOf(`growth.${name}`) });
    adapters.push(adapter);
    await adapter.addMany(objects);
    return { adapter, objects };
  };
  const [given, other] = SIDES[kind](size);
  const [source, target] = [await inventoryOf('source', given), await inventoryOf('target', other)];
  const { adapter: fresh } = await inventoryOf('fresh', []);
  const sides = { source, target, fresh };
  Object.assign(sides, await NEEDS[needs]?.(sides));
  const loop = watchLoop();
  const { ms } = await time(() => {
    loop.start();
    return work(sides);
  });
  const block = await loop.stop();
  for (const { store } of adapters) {
    await store.clear();
    await store.close();
  }
  return { micros: (1000 * ms) / size, block };
}

function* chunksOf(text) {
  for (let at = 0; at < text.length; at += CHUNK) yield text.slice(at, at + CHUNK);
}

/** Watches how long the event loop stands still. */
function watchLoop() {
  let [last, longest, timer] = [0, 0, undefined];
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  return {
    start() {
      last = performance.now();
      timer = setInterval(look, 1);
    },
    async stop() {
      await new Promise((resolve) => setTimeout(resolve, 5));
      clearInterval(timer);
      return longest;
    },
  };
}
