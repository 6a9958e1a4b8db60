// Random changes of two sides, whatever they leave behind: shared children, moves, links to nothing, objects that no parent lists.
import * as fc from 'fast-check';
import { z } from 'zod';
import { Adapter, DiffSyncModel, DiffSyncModelFlags, type BaseStore, type ModelClass } from '../../../src/index.js';

const list = z.array(z.string()).default([]);

export class Group extends DiffSyncModel.define({
  name: 'group',
  schema: z.object({ name: z.string(), text: z.string().default(''), groups: list, devices: list }),
  identifiers: ['name'],
  attributes: ['text'],
  children: { group: 'groups', device: 'devices' },
}) {}

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), text: z.string().default(''), ports: list }),
  identifiers: ['name'],
  attributes: ['text'],
  children: { port: 'ports' },
}) {
  static failing: ReadonlySet<string> = new Set();

  override async update(attrs: { text?: string }): Promise<this | null> {
    if (Device.failing.has(this.name)) throw new Error('refused');
    return super.update(attrs);
  }
}

export class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string(), text: z.string().default('') }),
  identifiers: ['name'],
  attributes: ['text'],
}) {
  /** Reads what is stored in a way of its own. */
  override getAttrs(): { text: string } {
    return { text: this.text.toLowerCase() };
  }
}

export class Network extends Adapter.define({
  models: [Group, Device, Port],
  topLevel: ['group', 'device'],
}) {}

const MODELS: Readonly<Record<string, ModelClass>> = { group: Group, device: Device, port: Port };
const FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  group: { group: 'groups', device: 'devices' },
  device: { port: 'ports' },
};
const TYPES = ['group', 'device', 'port'] as const;

/** Leave every object where one side at least can be reached from the top. */
const TIDY = ['add', 'add', 'add', 'text', 'text', 'text', 'share', 'move', 'takeOut'] as const;
/** May leave objects that no list names, lists that name no object, and what is skipped. */
const UNTIDY = ['set', 'remove', 'removeAll', 'flag', 'link', 'unlink'] as const;

export interface Change {
  readonly sides: readonly ('src' | 'dst')[];
  readonly kind: (typeof TIDY)[number] | (typeof UNTIDY)[number];
  readonly type: (typeof TYPES)[number];
  readonly at: number;
  readonly other: number;
  readonly text: string;
}

/** @param names - how many objects of a type there may be: few, so that changes meet. */
export function changesOf(names: number, isTidy: boolean): fc.Arbitrary<Change> {
  return fc.record({
    sides: fc.constantFrom<readonly ('src' | 'dst')[]>(['src'], ['src'], ['dst'], ['src', 'dst']),
    kind: fc.constantFrom<Change['kind']>(...TIDY, ...(isTidy ? [] : UNTIDY)),
    type: fc.constantFrom(...TYPES),
    at: fc.nat(names - 1),
    other: fc.nat(names - 1),
    text: fc.constantFrom('a', 'A', 'b'),
  });
}

const nameOf = (type: string, at: number): string => `${type[0]}${at}`;

/** Makes a change of one side, by the store's public operations. */
export async function make(store: BaseStore, { kind, type, at, other, text }: Change): Promise<void> {
  const model = MODELS[type] as ModelClass;
  const uid = nameOf(type, at);
  const [found] = await store.find({ model, uids: [uid] });
  if (kind === 'set' || (kind === 'text' && found !== undefined)) {
    await store.updateOrInstantiate({ model, ids: { name: uid } as never, attrs: { text } });
  } else if (kind === 'flag') {
    if (found === undefined) return;
    found.modelFlags = found.modelFlags === 0 ? (FLAGS[other % FLAGS.length] as DiffSyncModelFlags) : 0;
    await store.update({ obj: found });
  } else if (kind === 'remove' || kind === 'removeAll') {
    if (found !== undefined) await store.remove({ obj: found, removeChildren: kind === 'removeAll' });
  } else if (kind === 'takeOut') {
    if (found !== undefined) await takeOut(store, found);
  } else if (kind !== 'text') {
    await place(store, kind, type, uid, other, text);
  }
}

/** Lists an object under a parent, or takes it out of its list. */
async function place(
  store: BaseStore,
  kind: Change['kind'],
  type: string,
  uid: string,
  other: number,
  text: string,
): Promise<void> {
  const model = MODELS[type] as ModelClass;
  const [found] = await store.find({ model, uids: [uid] });
  const parents = TYPES.filter((each) => FIELDS[each]?.[type] !== undefined);
  const parentType = parents[other % parents.length] as string;
  const [parent] = await store.find({ model: MODELS[parentType] as ModelClass, uids: [nameOf(parentType, other)] });
  const field = FIELDS[parentType]?.[type] as string;
  if (kind === 'add') {
    if (found !== undefined || (type === 'port' && parent === undefined)) return;
    await store.add({ obj: new model({ name: uid, text } as never) });
  }
  const isUntidy = kind === 'link' || kind === 'unlink';
  if (parent === undefined || (!isUntidy && kind !== 'add' && found === undefined)) return;
  // A group is below one with a lower number: a cycle is for the untidy.
  if (!isUntidy && parentType === type && nameOf(parentType, other) >= uid) return;
  if (kind === 'move') await unlist(store, type, uid);
  const [now] = await store.find({ model: MODELS[parentType] as ModelClass, uids: [nameOf(parentType, other)] });
  if (now !== undefined) await setListed(store, now, field, uid, kind !== 'unlink');
}

/** Takes an object out of all lists. */
async function unlist(store: BaseStore, type: string, uid: string): Promise<void> {
  for (const parentType of TYPES) {
    const field = FIELDS[parentType]?.[type];
    if (field === undefined) continue;
    for (const parent of await store.getAll({ model: MODELS[parentType] as ModelClass })) {
      await setListed(store, parent, field, uid, false);
    }
  }
}

/** Removes an object with all below it, also where others list that. */
async function takeOut(store: BaseStore, obj: DiffSyncModel): Promise<void> {
  const type = obj.getType();
  await unlist(store, type, obj.getUniqueId());
  await store.remove({ obj });
  for (const [child, field] of Object.entries(FIELDS[type] ?? {})) {
    const uids = (obj as unknown as Record<string, string[]>)[field] ?? [];
    for (const uid of uids) {
      // One of its siblings may have listed it too.
      const [found] = await store.find({ model: MODELS[child] as ModelClass, uids: [uid] });
      if (found !== undefined) await takeOut(store, found);
    }
  }
}

const FLAGS = [
  DiffSyncModelFlags.IGNORE,
  DiffSyncModelFlags.SKIP_UNMATCHED_BOTH,
  DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE,
];

async function setListed(
  store: BaseStore,
  parent: DiffSyncModel,
  field: string,
  uid: string,
  isListed: boolean,
): Promise<void> {
  const fields = parent as unknown as Record<string, string[]>;
  const uids = fields[field] ?? [];
  if (uids.includes(uid) === isListed) return;
  fields[field] = isListed ? [...uids, uid] : uids.filter((each) => each !== uid);
  await store.update({ obj: parent });
}
