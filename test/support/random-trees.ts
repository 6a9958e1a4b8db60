import * as fc from 'fast-check';
import { type Adapter, type Diff, type DiffElement } from '../../src/index.js';
import { Device, Interface, Site } from '../fixtures/inventory.js';

/** An object of a random inventory; its unique id is its name. */
interface RandomObject {
  readonly name: string;
  readonly value: number;
  /** The name of the object of the level above that lists it; of no meaning for a site. */
  readonly parent: string;
}

/** Sites, devices below them and interfaces below those, in the order in which they are stored and listed. */
export interface RandomTree {
  readonly sites: readonly RandomObject[];
  readonly devices: readonly RandomObject[];
  readonly interfaces: readonly RandomObject[];
}

export interface TreePair {
  readonly source: RandomTree;
  readonly target: RandomTree;
}

/** An object that either side may have; where a side has it, mostly with this value and below this parent. */
interface Candidate {
  readonly name: string;
  readonly value: number;
  readonly parentNumber: number;
}

interface Pool {
  readonly sites: readonly Candidate[];
  readonly devices: readonly Candidate[];
  readonly interfaces: readonly Candidate[];
}

/** Any well-formed text, among it what a store or a plain object might mistake for something else. */
const uids = fc.oneof(
  fc.constantFrom('', '__proto__', 'constructor', 'toString', 'a:b', '{a}', '*', 'a__b', '\0'),
  fc.nat(20).map(String),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
/** Few, so that the two sides often agree. */
const values = fc.constantFrom(0, 1, 1500);
const parentNumbers = fc.nat(100);

function candidates(maxLength: number): fc.Arbitrary<Candidate[]> {
  const candidate = fc.record({ name: uids, value: values, parentNumber: parentNumbers });
  return fc.uniqueArray(candidate, { maxLength, selector: ({ name }) => name });
}

const pools: fc.Arbitrary<Pool> = fc.record({
  sites: candidates(4),
  devices: candidates(8),
  interfaces: candidates(10),
});

/** Some of the candidates, in any order, some with another value or parent. */
function someOf(pool: readonly Candidate[]): fc.Arbitrary<Candidate[]> {
  const change = fc.record({
    value: fc.option(values, { freq: 3 }),
    parentNumber: fc.option(parentNumbers, { freq: 3 }),
  });
  return fc.oneof(fc.subarray([...pool]), fc.shuffledSubarray([...pool])).chain((kept) =>
    fc.tuple(...kept.map(() => change)).map((changes) =>
      kept.map(({ name, value, parentNumber }, at) => ({
        name,
        value: changes[at]?.value ?? value,
        parentNumber: changes[at]?.parentNumber ?? parentNumber,
      })),
    ),
  );
}

/** Each below one of the parents that this side has. */
function anywhere(parents: readonly RandomObject[], children: readonly Candidate[]): RandomObject[] {
  return children.flatMap(({ name, value, parentNumber }) => {
    const parent = parents[parentNumber % parents.length];
    return parent === undefined ? [] : [{ name, value, parent: parent.name }];
  });
}

/** Each below the same parent on every side; a side without that parent is without the child. */
function inPlace(
  parents: readonly RandomObject[],
  children: readonly Candidate[],
  pool: readonly Candidate[],
  parentPool: readonly Candidate[],
): RandomObject[] {
  const present = new Set(parents.map(({ name }) => name));
  const parentOf = new Map(
    pool.map(({ name, parentNumber }) => [name, parentPool[parentNumber % parentPool.length]?.name]),
  );
  return children.flatMap(({ name, value }) => {
    const parent = parentOf.get(name);
    return parent === undefined || !present.has(parent) ? [] : [{ name, value, parent }];
  });
}

function tree(pool: Pool, moving: boolean): fc.Arbitrary<RandomTree> {
  return fc
    .record({ sites: someOf(pool.sites), devices: someOf(pool.devices), interfaces: someOf(pool.interfaces) })
    .map((some) => {
      const sites = some.sites.map(({ name, value }) => ({ name, value, parent: '' }));
      const devices = moving ? anywhere(sites, some.devices) : inPlace(sites, some.devices, pool.devices, pool.sites);
      const interfaces = moving
        ? anywhere(devices, some.interfaces)
        : inPlace(devices, some.interfaces, pool.interfaces, pool.devices);
      return { sites, devices, interfaces };
    });
}

export const trees: fc.Arbitrary<RandomTree> = pools.chain((pool) => tree(pool, true));

/** Two sides that have much in common; some objects only one has, some differ, and some stand elsewhere. */
export const treePairs: fc.Arbitrary<TreePair> = pools.chain((pool) =>
  fc.record({ source: tree(pool, true), target: tree(pool, true) }),
);

/** Two sides, and what becomes of each meanwhile. */
export const treeEdits: fc.Arbitrary<
  TreePair & { readonly laterSource: RandomTree; readonly laterTarget: RandomTree }
> = pools.chain((pool) =>
  fc.record({ source: tree(pool, false), target: tree(pool, false) }).chain(({ source, target }) =>
    fc.record({
      source: fc.constant(source),
      target: fc.constant(target),
      laterSource: fc.oneof(fc.constant(source), tree(pool, false), tree(pool, true)),
      laterTarget: fc.oneof(fc.constant(target), tree(pool, false), tree(pool, true)),
    }),
  ),
);

/** As `treePairs`, but what both sides have stands below the same parent in both. */
export const treePairsInPlace: fc.Arbitrary<TreePair> = pools.chain((pool) =>
  fc.record({ source: tree(pool, false), target: tree(pool, false) }),
);

function childrenOf(parents: readonly RandomObject[], children: readonly RandomObject[]): Map<string, string[]> {
  const lists = new Map<string, string[]>(parents.map(({ name }) => [name, []]));
  for (const { name, parent } of children) lists.get(parent)?.push(name);
  return lists;
}

/** Stores a tree, type by type. */
export async function plant(adapter: Adapter, { sites, devices, interfaces }: RandomTree): Promise<void> {
  const [below, belowDevices] = [childrenOf(sites, devices), childrenOf(devices, interfaces)];
  await adapter.addMany([
    ...sites.map(({ name, value }) => new Site({ name, region: String(value), devices: below.get(name) ?? [] })),
    ...devices.map(
      ({ name, value }) => new Device({ name, role: String(value), interfaces: belowDevices.get(name) ?? [] }),
    ),
    ...interfaces.map(({ name, value }) => new Interface({ name, mtu: value })),
  ]);
}

/** Every object of a tree by its path, with its value; what a sync from it must leave in the target. */
export function paths({ sites, devices, interfaces }: RandomTree): Map<string, string> {
  const found = new Map<string, string>();
  const sitesOfDevices = new Map(devices.map(({ name, parent }) => [name, parent]));
  for (const { name, value } of sites) found.set(JSON.stringify([name]), String(value));
  for (const { name, value, parent } of devices) found.set(JSON.stringify([parent, name]), String(value));
  for (const { name, value, parent } of interfaces) {
    found.set(JSON.stringify([sitesOfDevices.get(parent), parent, name]), String(value));
  }
  return found;
}

/** As `paths`, of what a diff of the adapter would reach. @throws ObjectNotFound for a child that is listed and not there. */
export async function plantedPaths(adapter: Adapter): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const site of await adapter.getAll(Site)) {
    found.set(JSON.stringify([site.name]), site.region);
    for (const device of await adapter.getByUids(site.devices, Device)) {
      found.set(JSON.stringify([site.name, device.name]), device.role);
      for (const { name, mtu } of await adapter.getByUids(device.interfaces, Interface)) {
        found.set(JSON.stringify([site.name, device.name, name]), String(mtu));
      }
    }
  }
  return found;
}

/** A diff's elements, parents first, in its order. */
export function elementsOf(diff: Diff): DiffElement[] {
  return elementsWithParents(diff).map(({ element }) => element);
}

/** The same, each with the element above it. */
export function elementsWithParents(diff: Diff): { element: DiffElement; parent: DiffElement | undefined }[] {
  const found: { element: DiffElement; parent: DiffElement | undefined }[] = [];
  const stack = diff.getChildren().map((element) => ({ element, parent: undefined as DiffElement | undefined }));
  stack.reverse();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    found.push(next);
    const { element: parent } = next;
    for (const element of parent.getChildren().toReversed()) stack.push({ element, parent });
  }
  return found;
}
