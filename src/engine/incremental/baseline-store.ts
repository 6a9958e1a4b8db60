import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { DiffSyncModel } from '../../model/diffsync-model.js';
import type { BaseStore } from '../../store/base-store.js';
import { runsStoreOf } from '../../store/beside-store.js';
import { deleteAsIs } from '../../store/engine-access.js';
import type { Baseline } from './baseline.js';
import type { IndexPart } from './child-index.js';

/** Parts that are read or written at once, and unique ids in one record. */
const BATCH = 32;
const OPEN_UIDS = 1000;

const cursors = z.record(z.string(), z.string());

/** What is known of the last comparison of a pair. It is written last: what it names is there. */
class BaselineHead extends DiffSyncModel.define({
  name: 'baseline',
  schema: z.object({
    pair: z.string(),
    at: z.string(),
    terms: z.string(),
    age: z.int(),
    src: cursors,
    dst: cursors,
    /** The keys of the parts of the index, and of the unique ids that are open. */
    index: z.array(z.string()),
    open: z.array(z.string()),
  }),
  identifiers: ['pair'],
  attributes: ['at', 'terms', 'age', 'src', 'dst', 'index', 'open'],
}) {}

class BaselineIndex extends DiffSyncModel.define({
  name: 'baseline_index',
  schema: z.object({
    key: z.string(),
    parents: z.array(z.string()).readonly(),
    counts: z.array(z.int()).readonly(),
    hashes: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  }),
  identifiers: ['key'],
  attributes: ['parents', 'counts', 'hashes'],
}) {}

class BaselineOpen extends DiffSyncModel.define({
  name: 'baseline_open',
  schema: z.object({ key: z.string(), model: z.string(), uids: z.array(z.string()).readonly() }),
  identifiers: ['key'],
  attributes: ['model', 'uids'],
}) {}

/** Where the parts of an index are that was read: a later baseline keeps those that are still the same. */
const keys = new WeakMap<IndexPart, string>();

/** Bytes of a part of an index in this store: as text it takes a third more, and its parents somewhat more than their length. */
export function partBytes({ maxObjectBytes }: BaseStore): number {
  return Math.min(128 * 1024, Math.floor(maxObjectBytes / 4));
}

/**
 * Reads the baseline of a pair, which is kept beside the target's objects.
 * @returns undefined where there is none, or another process is replacing it.
 */
export async function readBaseline(
  target: BaseStore,
  pair: string,
  signal: AbortSignal | undefined,
): Promise<Baseline | undefined> {
  const store = await runsStoreOf(target, signal);
  const [head] = await store.find({ model: BaselineHead, uids: [pair], signal });
  if (head === undefined) return undefined;
  const { at, terms, age, src, dst } = head;
  const parts = await readAll(head.index, (uids) => store.find({ model: BaselineIndex, uids, signal }));
  const lists = await readAll(head.open, (uids) => store.find({ model: BaselineOpen, uids, signal }));
  if (parts === undefined || lists === undefined) return undefined;
  const open: Record<string, string[]> = {};
  for (const { model, uids } of lists) {
    const known = (open[model] ??= []);
    for (const uid of uids) known.push(uid);
  }
  for (const part of parts) keys.set(part, part.key);
  return { at, terms, age, cursors: { src, dst }, open, index: parts };
}

/** Replaces the baseline of a pair. A reader at the same time finds the old one, the new one or none. */
export async function saveBaseline(target: BaseStore, pair: string, baseline: Baseline): Promise<void> {
  const store = await runsStoreOf(target);
  const [before] = await store.find({ model: BaselineHead, uids: [pair] });
  const { at, terms, age, cursors: moments, open, index } = baseline;
  const known = new Set(before?.index);
  const parts = index.map((part) => {
    const key = keys.get(part);
    return key !== undefined && known.has(key) ? key : new BaselineIndex({ key: randomUUID(), ...part });
  });
  await writeAll(
    store,
    parts.filter((part) => typeof part !== 'string'),
  );
  const lists = Object.entries(open).flatMap(([model, uids]) =>
    Array.from({ length: Math.ceil(uids.length / OPEN_UIDS) }, (_, part) => {
      return new BaselineOpen({ key: randomUUID(), model, uids: uids.slice(part * OPEN_UIDS, (part + 1) * OPEN_UIDS) });
    }),
  );
  await writeAll(store, lists);
  const indexKeys = parts.map((part) => (typeof part === 'string' ? part : part.key));
  const openKeys = lists.map(({ key }) => key);
  const head = {
    pair,
    at,
    terms,
    age,
    src: { ...moments.src },
    dst: { ...moments.dst },
    index: indexKeys,
    open: openKeys,
  };
  await store.update({ obj: new BaselineHead(head) });
  const kept = new Set(indexKeys);
  await removeAll(store, BaselineIndex, before?.index.filter((key) => !kept.has(key)) ?? []);
  await removeAll(store, BaselineOpen, before?.open ?? []);
}

/** Removes the baseline of a pair: the next comparison is a full one. */
export async function dropBaseline(target: BaseStore, pair: string): Promise<void> {
  const store = await runsStoreOf(target);
  const [before] = await store.find({ model: BaselineHead, uids: [pair] });
  if (before === undefined) return;
  await removeAll(store, BaselineHead, [pair]);
  await removeAll(store, BaselineIndex, before.index);
  await removeAll(store, BaselineOpen, before.open);
}

async function readAll<T>(
  all: readonly string[],
  find: (some: readonly string[]) => Promise<readonly (T | undefined)[]>,
): Promise<T[] | undefined> {
  const found: T[] = [];
  for (let at = 0; at < all.length; at += BATCH) {
    for (const each of await find(all.slice(at, at + BATCH))) {
      if (each === undefined) return undefined;
      found.push(each);
    }
  }
  return found;
}

async function writeAll(store: BaseStore, objs: readonly DiffSyncModel[]): Promise<void> {
  for (let at = 0; at < objs.length; at += BATCH) await store.updateMany({ objs: objs.slice(at, at + BATCH) });
}

async function removeAll(
  store: BaseStore,
  model: typeof BaselineHead | typeof BaselineIndex | typeof BaselineOpen,
  uids: readonly string[],
): Promise<void> {
  if (uids.length > 0) await deleteAsIs(store, model.modelName, uids);
}
