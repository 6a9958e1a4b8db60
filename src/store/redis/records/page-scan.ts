import { pMapIterable } from 'p-map';
import { CHUNKS_IN_FLIGHT, slices } from './chunks.js';
import type { ModelKeys } from '../layout/keys.js';
import type { ScriptedRedis } from '../scripts/scripts.js';
import { isSlotMoving } from '../connection/reply-errors.js';
import type { ObjectSizes } from './object-sizes.js';
import { readValues } from './read-values.js';

/** An object as it is stored: its unique id and its JSON text; null when the text was not found. */
export interface StoredRecord {
  readonly uid: string;
  readonly json: string | null;
}

export interface ScoredRecord extends StoredRecord {
  readonly score: number;
}

/** Executes commands that read, by the rules of the store for timeouts and failures. */
type RunRead = <T>(commands: (client: ScriptedRedis) => Promise<T>) => Promise<T>;

/** What a scan reads. */
export interface PageScan {
  readonly read: RunRead;
  readonly keys: ModelKeys;
  readonly model: string;
  /** The layout that the model must be kept in. */
  readonly layout: string;
  /** Objects in a page, at most: fewer of them where they are large. */
  readonly size: number;
  readonly sizes: ObjectSizes;
  /** Whether a script may look at the objects of a model without being given their keys: not on a cluster. */
  readonly seesObjects: boolean;
  /** Is called with the number of objects that the scan begins with. @throws when the index is lost, or expired in use. */
  checkExtent(count: number): void;
  /** Is called when the index looks empty later. @throws when the index is lost or has expired. */
  checkEmpty(): Promise<void>;
}

/** So many objects, and characters of JSON text, are read with the first look at a model. */
const FEW = 100;
const SMALL = 256 * 1024;

/** Pages of objects for each page of the index, where the two are read apart. */
const INDEX_PAGES = 20;

/** The objects between two scores. */
interface ScoreRange {
  /** The score before the first one. */
  readonly after: number;
  /** The score of the last one. */
  readonly end: number;
}

/** A page of the index as the script returns it. */
type IndexPage = readonly [last: string, json: string];

/** A page by rank. `before` is the score of the object before it, by which a shift of the ranks shows. */
interface RankedPage {
  readonly before: number | undefined;
  readonly last: number;
  readonly flat: readonly (string | null)[];
}

/**
 * Reads a model in order, one round trip a page, without keys on the wire. The scan covers what is there when it begins; what
 * other clients remove meanwhile makes it skip nothing, and what they add does not prolong it. It needs a SORT that may look
 * up other keys: not on a cluster, nor for users who may not read every key.
 */
export async function* sortedPages(scan: PageScan): AsyncGenerator<readonly StoredRecord[], void, undefined> {
  const { end, count, all } = await extent(scan);
  if (all !== undefined) {
    yield* slices(all, scan.size);
    return;
  }
  const size = scan.sizes.chunk(scan.model, scan.size);
  if (count <= size) {
    const page = await onlyPage(scan, size);
    if (page.length > 0) yield page;
    else await scan.checkEmpty();
    return;
  }
  let start = 0;
  let after = -Infinity;
  let ahead: Promise<RankedPage>[] = [];
  for (;;) {
    while (ahead.length === 0 || (ahead.length < CHUNKS_IN_FLIGHT && start + ahead.length * size < count)) {
      ahead.push(startEager(rankedPage(scan, start + ahead.length * size, size)));
    }
    const { before, last, flat } = await (ahead.shift() as Promise<RankedPage>);
    if (start > 0 && before !== after) {
      // Another client removes what was read already: the ranks have shifted and may shift again. Scores do not.
      yield* listedPages(scan, { after, end });
      return;
    }
    const full = flat.length === 2 * size;
    if (full && last < end && start + (ahead.length + 1) * size < count) {
      ahead.push(startEager(rankedPage(scan, start + (ahead.length + 1) * size, size)));
    }
    const page = storedRecords(flat);
    if (page.length > 0) yield page;
    else await scan.checkEmpty();
    if (!full || last >= end) return;
    start += size;
    after = last;
  }
}

/**
 * The same scan by two kinds of commands: one for many unique ids, and one for each page of objects.
 * @param range - Default: all.
 */
export async function* listedPages(
  scan: PageScan,
  range?: ScoreRange,
): AsyncGenerator<ScoredRecord[], void, undefined> {
  const { all, end } = range === undefined ? await extent(scan) : { all: undefined, end: range.end };
  if (all === undefined) {
    const pages = chunksOfIndex(scan, range ?? { after: -Infinity, end });
    yield* pMapIterable(pages, (page) => recordsOf(scan, page), { concurrency: CHUNKS_IN_FLIGHT });
    return;
  }
  for (const page of slices(all, scan.size)) yield page.map((record) => ({ ...record, score: end }));
}

/** Reads the unique ids of a model in order. */
export async function* uidPages(scan: PageScan): AsyncGenerator<readonly string[], void, undefined> {
  const { count, end } = await extent({ ...scan, seesObjects: false });
  if (count > 0) yield* indexPages(scan, { after: -Infinity, end }, false);
}

/** Reads the index alone: the objects are not looked for, and their texts are null. */
export async function* indexedPages(scan: PageScan): AsyncGenerator<ScoredRecord[], void, undefined> {
  const { count, end } = await extent({ ...scan, seesObjects: false });
  if (count === 0) return;
  for await (const page of indexPages(scan, { after: -Infinity, end }, true)) {
    yield scoredUids(page).map(([uid, score]) => ({ uid, score, json: null }));
  }
}

/**
 * Scans several shards of a model as one, in the order of the scores.
 * @param check - Is called with the first reads. @throws for a model of another layout.
 * @param pagesOf - Scans one of the shards.
 */
export async function* mergedPages(
  shards: readonly PageScan[],
  check: () => Promise<void>,
  pagesOf: (scan: PageScan) => AsyncGenerator<ScoredRecord[], void, undefined> = listedPages,
): AsyncGenerator<StoredRecord[], void, undefined> {
  const heads: { readonly pages: AsyncGenerator<ScoredRecord[]>; page: ScoredRecord[]; at: number }[] = [];
  const all = shards.map((scan) => pagesOf(scan));
  const [firsts] = await Promise.all([Promise.all(all.map((pages) => pages.next())), check()]);
  for (const [at, { value }] of firsts.entries()) {
    const pages = all[at] as AsyncGenerator<ScoredRecord[]>;
    if (value !== undefined) heads.push({ pages, page: value, at: 0 });
  }
  const { size = 1 } = shards[0] ?? {};
  let merged: StoredRecord[] = [];
  while (heads.length > 0) {
    let first = 0;
    for (let other = 1; other < heads.length; other++) {
      if (scoreOf(heads[other]) < scoreOf(heads[first])) first = other;
    }
    const head = heads[first] as (typeof heads)[number];
    merged.push(head.page[head.at++] as ScoredRecord);
    if (merged.length === size) {
      yield merged;
      merged = [];
    }
    if (head.at < head.page.length) continue;
    const next = await head.pages.next();
    if (next.done === true) heads.splice(first, 1);
    else [head.page, head.at] = [next.value, 0];
  }
  if (merged.length > 0) yield merged;
}

function scoreOf(head: { readonly page: ScoredRecord[]; readonly at: number } | undefined): number {
  return head?.page[head.at]?.score ?? Infinity;
}

/** What a first look at a model finds. */
interface Extent {
  readonly count: number;
  /** The score of the last object. */
  readonly end: number;
  /** All of them, where they are few and small; none where there are none. */
  readonly all?: StoredRecord[];
}

async function extent({ read, keys, model, layout, sizes, seesObjects, checkExtent }: PageScan): Promise<Extent> {
  const few = seesObjects ? FEW : 0;
  const [found, end, longest, ...flat] = await read(async (client) => {
    try {
      return await client.diffsyncExtent(keys.index, keys.state, keys.prefix, few, SMALL, layout);
    } catch (error) {
      // Index and state may be on two nodes for a while.
      const both = isSlotMoving(error) ? await extentOfIndex(client, keys, layout) : undefined;
      if (both === undefined) throw error;
      return both;
    }
  });
  checkExtent(Number(found));
  const count = Math.max(Number(found), 0);
  if (longest !== undefined) sizes.note(model, Number(longest));
  const extent = { count, end: Number(end) };
  return count === 0 || flat.length > 0 ? { ...extent, all: storedRecords(flat as (string | null)[]) } : extent;
}

/** @returns number of objects and score of the last one; undefined where the state must tell what it means. */
async function extentOfIndex(
  client: ScriptedRedis,
  { index, state }: ModelKeys,
  layout: string,
): Promise<[count: number, end: string] | undefined> {
  const [count, last, format] = await Promise.all([
    client.zcard(index),
    client.zrange(index, '-1', '-1', 'WITHSCORES'),
    client.hget(state, 'format'),
  ]);
  const end = last[1];
  return format === layout && end !== undefined ? [count, end] : undefined;
}

/** @param flat - Unique ids and JSON texts alternately. */
function storedRecords(flat: readonly (string | null)[]): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (let at = 0; at < flat.length; at += 2) records.push({ uid: flat[at] as string, json: flat[at + 1] ?? null });
  return records;
}

async function onlyPage({ read, keys }: PageScan, size: number): Promise<StoredRecord[]> {
  const { index, prefix } = keys;
  const flat = await read((client) =>
    client.call('SORT_RO', index, 'BY', 'nosort', 'LIMIT', 0, size, 'GET', '#', 'GET', `${prefix}*`),
  );
  return storedRecords(flat as (string | null)[]);
}

async function rankedPage({ read, keys }: PageScan, start: number, size: number): Promise<RankedPage> {
  const end = start + size - 1;
  const replies = await read(async (client) => {
    const transaction = client.multi().zrange(keys.index, String(end), String(end), 'WITHSCORES');
    const before = String(start - 1);
    if (start > 0) transaction.zrange(keys.index, before, before, 'WITHSCORES');
    return transaction
      .call('SORT_RO', keys.index, 'BY', 'nosort', 'LIMIT', start, size, 'GET', '#', 'GET', `${keys.prefix}*`)
      .exec();
  });
  const lists = (replies ?? []).map(([error, value]) => {
    if (error !== null) throw error;
    return value as (string | null)[];
  });
  return {
    before: start > 0 ? Number(lists[1]?.[1]) : undefined,
    last: Number(lists[0]?.[1]),
    flat: lists.at(-1) ?? [],
  };
}

/** Reads the index in pages of so many objects as are read at a time. */
async function* chunksOfIndex(
  scan: PageScan,
  range: ScoreRange,
): AsyncGenerator<[uid: string, score: number][], void, undefined> {
  for await (const page of indexPages(scan, range, true)) {
    const all = scoredUids(page);
    for (let at = 0; at < all.length;) {
      const length = scan.sizes.chunk(scan.model, scan.size);
      yield all.slice(at, at + length);
      at += length;
    }
  }
}

/** Reads the index. @param scores - whether the score follows each unique id. */
async function* indexPages(
  scan: PageScan,
  { after, end }: ScoreRange,
  scores: boolean,
): AsyncGenerator<readonly string[], void, undefined> {
  const { read, keys, size } = scan;
  const pageFrom = (from: string, most: number): Promise<IndexPage> =>
    startEager(read((client) => client.diffsyncIndexPage(keys.index, from, String(end), most, scores ? 1 : 0)));
  // The first page is short, so that the first objects come soon.
  let next: Promise<IndexPage> | undefined = pageFrom(after === -Infinity ? '-inf' : `(${after}`, size);
  while (next !== undefined) {
    const page: IndexPage = await next;
    const [last, json] = page;
    const isLast = last === '' || Number(last) >= end;
    next = isLast ? undefined : pageFrom(`(${last}`, size * INDEX_PAGES);
    const found = JSON.parse(json) as string[];
    if (found.length === 0) await scan.checkEmpty();
    else yield found;
  }
}

/** @param flat - Unique ids and scores alternately. */
function scoredUids(flat: readonly string[]): [uid: string, score: number][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at] as string, Number(flat[2 * at + 1])]);
}

async function recordsOf(
  { read, keys, model, sizes }: PageScan,
  page: readonly [uid: string, score: number][],
): Promise<ScoredRecord[]> {
  const objects = page.map(([uid]) => keys.prefix + uid);
  const found = await read((client) => readValues(client, objects));
  sizes.noteAll(model, found);
  return page.map(([uid, score], at) => ({ uid, score, json: found[at] ?? null }));
}

/** Marks a rejection as handled, for a promise that is awaited later, or never when the caller stops before. */
function startEager<T>(started: Promise<T>): Promise<T> {
  started.catch(() => undefined);
  return started;
}
