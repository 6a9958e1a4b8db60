import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import { z } from 'zod';
import { DiffSyncModel } from '../../model/diffsync-model.js';
import type { BaseStore } from '../../store/base-store.js';
import { runsStoreOf } from '../../store/beside-store.js';
import { deleteAsIs } from '../../store/engine-access.js';
import type { Baseline } from './baseline.js';
import type { IndexPart } from './child-index.js';
import type { DigestPart } from './source-digests.js';

/** Parts that are read or written at once, and unique ids in one record. */
const BATCH = 32;
const OPEN_UIDS = 1000;
/** Bytes of the unique ids of a part of the digests: stored data is not trusted. */
const MAX_UNPACKED = 16 * 1024 * 1024;

const cursors = z.record(z.string(), z.string());
const packedUids = z.array(z.string());
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);

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
    /** Those of the digests; none where the source tells what has changed in it. */
    digests: z.object({ base: z.array(z.string()), changes: z.array(z.string()) }).optional(),
  }),
  identifiers: ['pair'],
  attributes: ['at', 'terms', 'age', 'src', 'dst', 'index', 'open', 'digests'],
}) {}

class BaselineIndex extends DiffSyncModel.define({
  name: 'baseline_index',
  schema: z.object({
    key: z.string(),
    parents: z.array(z.string()).readonly(),
    counts: z.array(z.int()).readonly(),
    hashes: bytes,
  }),
  identifiers: ['key'],
  attributes: ['parents', 'counts', 'hashes'],
}) {}

class BaselineDigests extends DiffSyncModel.define({
  name: 'baseline_digests',
  schema: z.object({
    key: z.string(),
    model: z.string(),
    /** A JSON list, deflated: unique ids are much alike. */
    uids: bytes,
    digests: bytes,
  }),
  identifiers: ['key'],
  attributes: ['model', 'uids', 'digests'],
}) {}

class BaselineOpen extends DiffSyncModel.define({
  name: 'baseline_open',
  schema: z.object({ key: z.string(), model: z.string(), uids: z.array(z.string()).readonly() }),
  identifiers: ['key'],
  attributes: ['model', 'uids'],
}) {}

/** Where the parts of a baseline are that was read: a later one keeps those that are still the same. */
const keys = new WeakMap<IndexPart | DigestPart, string>();

/** Bytes of a part of an index in this store: as text it takes a third more, and its parents somewhat more than their length. */
export function partBytes({ maxObjectBytes }: BaseStore): number {
  return Math.min(128 * 1024, Math.floor(maxObjectBytes / 4));
}

/**
 * Reads the baseline of a pair, which is kept beside the target's objects.
 * @returns undefined where there is none, another process is replacing it, or its digests cannot be unpacked.
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
  const { base = [], changes = [] } = head.digests ?? {};
  const packed = await readAll([...base, ...changes], (uids) => store.find({ model: BaselineDigests, uids, signal }));
  if (parts === undefined || lists === undefined || packed === undefined) return undefined;
  const open: Record<string, string[]> = {};
  for (const { model, uids } of lists) {
    const known = (open[model] ??= []);
    for (const uid of uids) known.push(uid);
  }
  for (const part of parts) keys.set(part, part.key);
  const unpacked = await Promise.all(packed.map(unpack));
  const found = unpacked.filter((part) => part !== undefined);
  if (found.length < unpacked.length) return undefined;
  const digests = head.digests && { base: found.slice(0, base.length), changes: found.slice(base.length) };
  return { at, terms, age, cursors: { src, dst }, open, index: parts, digests };
}

/** Replaces the baseline of a pair. A reader at the same time finds the old one, the new one or none. */
export async function saveBaseline(target: BaseStore, pair: string, baseline: Baseline): Promise<void> {
  const store = await runsStoreOf(target);
  const [before] = await store.find({ model: BaselineHead, uids: [pair] });
  const { at, terms, age, cursors: moments, open, digests } = baseline;
  const { base: oldBase = [], changes: oldChanges = [] } = before?.digests ?? {};
  const known = new Set([...(before?.index ?? []), ...oldBase, ...oldChanges]);
  const index = await writeParts(
    store,
    baseline.index,
    known,
    async (key, part) => new BaselineIndex({ key, ...part }),
  );
  const packed = digests && {
    base: await writeParts(store, digests.base, known, pack),
    changes: await writeParts(store, digests.changes, known, pack),
  };
  const lists = Object.entries(open).flatMap(([model, uids]) =>
    Array.from({ length: Math.ceil(uids.length / OPEN_UIDS) }, (_, part) => {
      return new BaselineOpen({ key: randomUUID(), model, uids: uids.slice(part * OPEN_UIDS, (part + 1) * OPEN_UIDS) });
    }),
  );
  for (let from = 0; from < lists.length; from += BATCH) {
    await store.updateMany({ objs: lists.slice(from, from + BATCH) });
  }
  const head = { pair, at, terms, age, src: { ...moments.src }, dst: { ...moments.dst } };
  const kept = packed === undefined ? {} : { digests: packed };
  await store.update({ obj: new BaselineHead({ ...head, index, open: lists.map(({ key }) => key), ...kept }) });
  const used = new Set([...index, ...(packed?.base ?? []), ...(packed?.changes ?? [])]);
  const isUnused = (key: string): boolean => !used.has(key);
  await removeAll(store, BaselineIndex, before?.index.filter(isUnused) ?? []);
  await removeAll(store, BaselineDigests, [...oldBase, ...oldChanges].filter(isUnused));
  await removeAll(store, BaselineOpen, before?.open ?? []);
}

/** Writes the parts that are not stored yet. @returns the keys of all. */
async function writeParts<P extends IndexPart | DigestPart>(
  store: BaseStore,
  parts: readonly P[],
  known: ReadonlySet<string>,
  make: (key: string, part: P) => Promise<DiffSyncModel>,
): Promise<string[]> {
  const written: string[] = [];
  for (let from = 0; from < parts.length; from += BATCH) {
    const objs: DiffSyncModel[] = [];
    for (const part of parts.slice(from, from + BATCH)) {
      const stored = keys.get(part);
      const key = stored !== undefined && known.has(stored) ? stored : randomUUID();
      if (key !== stored) objs.push(await make(key, part));
      written.push(key);
    }
    if (objs.length > 0) await store.updateMany({ objs });
  }
  return written;
}

async function pack(key: string, { model, uids, digests }: DigestPart): Promise<BaselineDigests> {
  return new BaselineDigests({
    key,
    model,
    uids: await promisify(deflate)(JSON.stringify(uids), { level: 1 }),
    digests,
  });
}

async function unpack({ key, model, uids, digests }: BaselineDigests): Promise<DigestPart | undefined> {
  try {
    const text = await promisify(inflate)(uids, { maxOutputLength: MAX_UNPACKED });
    const part = { model, uids: packedUids.parse(JSON.parse(text.toString())), digests };
    keys.set(part, key);
    return part;
  } catch {
    return undefined;
  }
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

async function removeAll(
  store: BaseStore,
  model: typeof BaselineDigests | typeof BaselineIndex | typeof BaselineOpen,
  uids: readonly string[],
): Promise<void> {
  if (uids.length > 0) await deleteAsIs(store, model.modelName, uids);
}
