import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { entryPoint } from './build.mjs';
import { time } from './measure.mjs';

const { Adapter, Diff, DiffSyncModel } = await entryPoint('.');

const DEPTH = 1000;
const PORTS = 5;
const MARKED_DEPTH = 100;
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

/** Not ours, for comparison: what a Map of the objects itself costs more where it is larger. */
const BARE_MAP = {
  name: 'no more than a Map',
  kind: 'wide',
  work: ({ source }) => new Map(source.objects.map(({ name, mtu }) => [name, { name, mtu }])),
};

/** Each row does its work on two inventories of its kind, and on what it needs besides. */
export const ROWS = [
  BARE_MAP,
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

export const COMPARISON = nameOf(BARE_MAP);

export function nameOf({ kind, name }) {
  return `${KINDS[kind]}: ${name}`;
}

/**
 * Does the work of a row once. @returns its microseconds an object, and how long the event loop stood still, in milliseconds; both
 * with the time of the garbage collector and without it.
 */
export async function measure({ kind, needs, work }, size, storeOf) {
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
  }, 'all');
  const { block, work: blockOfWork, collected } = await loop.stop();
  for (const { store } of adapters) {
    await store.clear();
    await store.close();
  }
  const micros = (1000 * ms) / size;
  return { micros, microsOfWork: micros - (1000 * collected) / size, block, blockOfWork };
}

function* chunksOf(text) {
  for (let at = 0; at < text.length; at += CHUNK) yield text.slice(at, at + CHUNK);
}

/** Watches how long the event loop stands still, and how much of that is no garbage collection. */
function watchLoop() {
  const collections = [];
  const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));
  const stops = [];
  let [last, timer] = [0, undefined];
  const look = () => {
    const now = performance.now();
    if (now - last > 10) stops.push({ from: last, to: now });
    last = now;
  };
  const workOf = ({ from, to }) => {
    const within = collections.filter(({ startTime }) => startTime >= from && startTime < to);
    return to - from - within.reduce((sum, { duration }) => sum + duration, 0);
  };
  return {
    start() {
      observer.observe({ entryTypes: ['gc'] });
      last = performance.now();
      timer = setInterval(look, 1);
    },
    async stop() {
      look();
      clearInterval(timer);
      await sleep(5); // The collections are told later.
      observer.disconnect();
      return {
        block: Math.max(0, ...stops.map(({ from, to }) => to - from)),
        work: Math.max(0, ...stops.map(workOf)),
        collected: collections.reduce((sum, { duration }) => sum + duration, 0),
      };
    },
  };
}
