import * as fc from 'fast-check';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  type BaseStore,
  type CreateContext,
  type Diff,
  type DiffSyncLogger,
  type ModelHost,
} from '../../src/index.js';
import { Platform } from './platform.js';
import { elementsWithParents } from './random-trees.js';

/** Sites list groups, groups list hosts and addresses, hosts list addresses: all but a site may stand below several parents. */

const list = z.array(z.string()).default(() => []);
const schema = z.object({
  name: z.string(),
  /** Present with a text, with null or with undefined, or absent. */
  role: z.string().nullish(),
  /** Any plain value. */
  settings: z.unknown().optional(),
  groups: list,
  hosts: list,
  addresses: list,
});

const PARENT_TYPES = { site: [], group: ['site'], host: ['group'], address: ['group', 'host'] } as const;
export type Type = keyof typeof PARENT_TYPES;
export const TYPES = Object.keys(PARENT_TYPES) as readonly Type[];
const LISTS = { group: 'groups', host: 'hosts', address: 'addresses' } as const;

/** The outside world behind an adapter, where it has one. */
function platformOf(adapter: ModelHost | undefined): Platform | undefined {
  return adapter instanceof Network ? adapter.platform : undefined;
}

function define(name: Type) {
  const below = TYPES.filter((type) => (PARENT_TYPES[type] as readonly Type[]).includes(name));
  const children = Object.fromEntries(below.map((type) => [type, LISTS[type as keyof typeof LISTS]]));
  return class extends DiffSyncModel.define({
    name,
    schema,
    identifiers: ['name'],
    attributes: ['role', 'settings'],
    children,
  }) {
    static override create(context: CreateContext<{ name: string }, Attrs>) {
      platformOf(context.adapter)?.create(keyOf(name, context.ids.name), context.attrs);
      return super.create(context);
    }

    override update(attrs: Attrs) {
      platformOf(this.adapter)?.update(keyOf(name, this.name), attrs);
      return super.update(attrs);
    }

    override delete() {
      platformOf(this.adapter)?.delete(keyOf(name, this.name));
      return super.delete();
    }

    override async linkChild(child: DiffSyncModel) {
      platformOf(this.adapter)?.link(keyOf(name, this.name), keyOf(child.getType(), child.getUniqueId()));
    }

    override async unlinkChild(child: DiffSyncModel) {
      platformOf(this.adapter)?.unlink(keyOf(name, this.name), keyOf(child.getType(), child.getUniqueId()));
    }
  };
}

class Site extends define('site') {}
class Group extends define('group') {}
class Host extends define('host') {}
class Address extends define('address') {}
const MODELS = { site: Site, group: Group, host: Host, address: Address };

export class Network extends Adapter {
  static override readonly models = [Site, Group, Host, Address];
  static override readonly topLevel = ['site'];

  constructor(
    options: { name: string; store?: BaseStore; logger?: DiffSyncLogger },
    readonly platform?: Platform,
  ) {
    super(options);
  }
}

// ---- Random inventories, as plain values

type Attrs = { role?: string | null | undefined; settings?: unknown };

export interface Item {
  readonly type: Type;
  readonly name: string;
  readonly attrs: Attrs;
  /** The keys of the parents that list it. */
  readonly parents: readonly string[];
}

/** All objects of one side, parents first. */
export type Inventory = readonly Item[];

export interface InventoryPair {
  readonly source: Inventory;
  readonly target: Inventory;
}

/** Few, so that the two sides often have the same object. */
const NAMES: Readonly<Record<Type, readonly string[]>> = {
  site: ['s1', 's2'],
  group: ['g1', 'g2', 'g3'],
  host: ['h1', 'h2'],
  address: ['a1', 'a2'],
};
const roles = fc.constantFrom({ role: 'x' }, { role: 'y' }, { role: null }, { role: undefined }, {});
/** In families of values that are equal, or that a wrong comparison takes for equal. */
const settings = fc.oneof(
  ...[
    [{}, { a: undefined }, { a: null }],
    [{ a: {} }, { a: { b: undefined } }],
    [[], [undefined], [null]],
  ].map((family) => fc.constantFrom<{ settings?: unknown }>(...family.map((each) => ({ settings: each })))),
  fc.constantFrom<{ settings?: unknown }>({ settings: undefined }, {}, { settings: null }),
);

/** @param minParents 1: each object is listed by a parent; 0: some are listed by none. */
function inventories(minParents: 0 | 1): fc.Arbitrary<Inventory> {
  const add = (above: Inventory, type: Type): fc.Arbitrary<Inventory> => {
    const parents = above
      .filter((each) => (PARENT_TYPES[type] as readonly Type[]).includes(each.type))
      .map((each) => keyOf(each.type, each.name));
    if (type !== 'site' && parents.length === 0 && minParents === 1) return fc.constant(above);
    const listed = fc.subarray(parents, { minLength: Math.min(minParents, parents.length) });
    const item = (name: string): fc.Arbitrary<Item> =>
      fc
        .tuple(roles, settings, listed)
        .map(([role, other, some]) => ({ type, name, attrs: { ...role, ...other }, parents: some }));
    return fc
      .shuffledSubarray([...NAMES[type]], { minLength: 1 })
      .chain((names) => fc.tuple(...names.map(item)))
      .map((items) => [...above, ...items]);
  };
  let all: fc.Arbitrary<Inventory> = fc.constant([]);
  for (const type of TYPES) all = all.chain((above) => add(above, type));
  return all;
}

/** Two inventories of the same few names, each object below any of the parents that its side has. */
export const inventoryPairs: fc.Arbitrary<InventoryPair> = fc.record({
  source: inventories(1),
  target: inventories(1),
});

/** The same, where the target has objects that no parent lists. */
export const pairsWithUnlisted: fc.Arbitrary<InventoryPair> = fc.record({
  source: inventories(1),
  target: inventories(0),
});

/** Stores an inventory. */
export async function plantNetwork(adapter: Adapter, inventory: Inventory): Promise<void> {
  const listed = (key: string, type: Type): string[] =>
    inventory.filter((each) => each.type === type && each.parents.includes(key)).map((each) => each.name);
  await adapter.addMany(
    inventory.map(({ type, name, attrs }) => {
      const key = keyOf(type, name);
      const lists = Object.fromEntries(
        TYPES.filter((each) => (PARENT_TYPES[each] as readonly Type[]).includes(type)).map((each) => [
          LISTS[each as keyof typeof LISTS],
          listed(key, each),
        ]),
      );
      // A copy: the arbitrary hands the same values out again.
      return new MODELS[type]({ name, ...structuredClone(attrs), ...lists });
    }),
  );
}

// ---- What an inventory says, in a form in which equal inventories are equal

/** Objects with the normal text of their attributes, and links as `parent > child`. */
export interface PlainState {
  readonly objects: Map<string, string>;
  readonly links: Set<string>;
}

export function keyOf(type: string, name: string): string {
  return `${type} ${name}`;
}

/** A text that is equal for equal attributes: a key with undefined is no key, and a gap in a list is a value. */
export function attrsText({ role, settings: other }: Attrs): string {
  return normalText({ role, settings: other });
}

function normalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(normalText).join()}]`;
  if (typeof value !== 'object' || value === null) return value === undefined ? 'undefined' : JSON.stringify(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${entries
    .map(([key, each]) => `${key}:${normalText(each)}`)
    .toSorted()
    .join()}}`;
}

export function stateOf(inventory: Inventory): PlainState {
  return {
    objects: new Map(inventory.map(({ type, name, attrs }) => [keyOf(type, name), attrsText(attrs)])),
    links: new Set(
      inventory.flatMap(({ type, name, parents }) => parents.map((parent) => linkOf(parent, keyOf(type, name)))),
    ),
  };
}

function linkOf(parent: string, child: string): string {
  return `${parent} > ${child}`;
}

/** What the store of an adapter has. A link that names what is not there shows in `links` alone. */
export async function storedState(adapter: Adapter): Promise<PlainState> {
  const state: PlainState = { objects: new Map(), links: new Set() };
  for (const type of TYPES) {
    for (const object of await adapter.getAll(MODELS[type])) {
      const key = keyOf(type, object.name);
      state.objects.set(key, attrsText(object));
      for (const child of ['group', 'host', 'address'] as const) {
        const uids = object[LISTS[child]];
        if (new Set(uids).size < uids.length) throw new Error(`${key} lists a ${child} twice: ${uids.join()}`);
        for (const uid of uids) state.links.add(linkOf(key, keyOf(child, uid)));
      }
    }
  }
  return state;
}

/** The part of a state that can be reached from its sites. */
export function reachable({ objects, links }: PlainState): PlainState {
  const found: PlainState = { objects: new Map(), links: new Set() };
  const pending = [...objects.keys()].filter((key) => key.startsWith('site '));
  for (let key = pending.pop(); key !== undefined; key = pending.pop()) {
    if (found.objects.has(key)) continue;
    found.objects.set(key, objects.get(key) ?? 'missing');
    for (const link of links) {
      const [parent, child] = link.split(' > ') as [string, string];
      if (parent !== key) continue;
      found.links.add(link);
      pending.push(child);
    }
  }
  return found;
}

/** What is left of a state after everything that the elements of a diff say is done: the deletes first, then the rest. */
export function applied({ objects, links }: PlainState, diff: Diff): PlainState {
  const state: PlainState = { objects: new Map(objects), links: new Set(links) };
  const elements = elementsWithParents(diff).filter(({ element }) => element.action !== null);
  const isDelete = (each: (typeof elements)[number]): boolean => each.element.action === 'delete';
  for (const { element, parent } of [...elements.filter(isDelete), ...elements.filter((each) => !isDelete(each))]) {
    const key = keyOf(element.type, element.name);
    const link = parent === undefined ? undefined : linkOf(keyOf(parent.type, parent.name), key);
    if (element.action === 'update') {
      state.objects.set(key, textAfter(element.getAttrsDiffs()['+'] ?? {}, objects.get(key) ?? '', element.destAttrs));
    } else if (element.action === 'create') {
      if (!element.linkOnly) state.objects.set(key, attrsText(element.sourceAttrs ?? {}));
      if (link !== undefined) state.links.add(link);
    } else {
      if (!element.linkOnly) {
        state.objects.delete(key);
        for (const each of state.links) if (each.startsWith(`${key} > `)) state.links.delete(each);
      }
      if (link !== undefined) state.links.delete(link);
    }
  }
  return state;
}

/** @param before must be what the element says that the target has. */
function textAfter(changes: Attrs, before: string, dest: Attrs | null): string {
  if (attrsText(dest ?? {}) !== before) return `an update of ${attrsText(dest ?? {})}, where ${before} is stored`;
  return attrsText({ ...dest, ...changes });
}
