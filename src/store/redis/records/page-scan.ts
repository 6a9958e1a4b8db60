import { CHUNKS_IN_FLIGHT } from './chunks.js';
import type { ModelKeys } from '../layout/keys.js';
import type { ScriptedRedis } from '../scripts/scripts.js';

/** An object as it is stored: its unique id and its text; null when the text was not there. */
export interface StoredText {
  readonly uid: string;
  readonly text: string | null;
}

export interface ScoredText extends StoredText {
  /** Its place in the order. */
  readonly score: number;
}

/** Runs commands that read, by the store's rules for time-outs and failures. */
export type RunRead = <T>(commands: (client: ScriptedRedis) => Promise<T>) => Promise<T>;

/** What is to be read. */
export interface PageScan {
  readonly read: RunRead;
  readonly keys: ModelKeys;
  /** Objects in a page. */
  readonly size: number;
  /** Told of an index that looks empty. @throws when it is lost */
  empty(): Promise<void>;
}

/** Pages of texts for each page of the index, where the two are read apart. */
const INDEX_PAGES = 20;

/** Places in the order. */
interface ScoreRange {
  /** The first one comes after it. */
  readonly after: number;
  readonly end: number;
}

/** A page by rank; `before` is the place of the object before it, by which a shift of the ranks shows. */
interface RankedPage {
  readonly before: number | undefined;
  readonly last: number;
  readonly flat: readonly (string | null)[];
}

/**
 * All of a model in order, a page a call, without keys on the wire; as it is when the reading begins, but for what others
 * change meanwhile. What they remove makes nothing be passed over; what they add does not keep the reading going.
 * Not where SORT may not look up other keys: on a cluster, and for users who may not read every key.
 */
export async function* sortedPages(reading: PageScan): AsyncGenerator<StoredText[], void, undefined> {
  const { size } = reading;
  const [end, count] = await extent(reading);
  if (end === undefined) return;
  let start = 0;
  let after = -Infinity;
  let ahead: Promise<RankedPage>[] = [];
  for (;;) {
    while (ahead.length === 0 || (ahead.length < CHUNKS_IN_FLIGHT && start + ahead.length * size < count)) {
      ahead.push(startEager(rankedPage(reading, start + ahead.length * size)));
    }
    const { before, last, flat } = await (ahead.shift() as Promise<RankedPage>);
    if (start > 0 && before !== after) {
      // Somebody removes what was read already, so that the ranks are others now and may change again: places do not.
      yield* listedPages(reading, { after, end });
      return;
    }
    const full = flat.length === 2 * size;
    if (full && last < end && start + (ahead.length + 1) * size < count) {
      ahead.push(startEager(rankedPage(reading, start + (ahead.length + 1) * size)));
    }
    const texts: StoredText[] = [];
    for (let at = 0; at < flat.length; at += 2) texts.push({ uid: flat[at] as string, text: flat[at + 1] ?? null });
    if (texts.length > 0) yield texts;
    else await reading.empty();
    if (!full || last >= end) return;
    start += size;
    after = last;
  }
}

/** The same by two kinds of calls: one for many unique ids, and one for each page of texts. @param range default: all */
export async function* listedPages(
  reading: PageScan,
  range?: ScoreRange,
): AsyncGenerator<ScoredText[], void, undefined> {
  const ahead: Promise<ScoredText[]>[] = [];
  for await (const page of indexPages(reading, range)) {
    ahead.push(startEager(textsOf(reading, page)));
    if (ahead.length >= CHUNKS_IN_FLIGHT) yield await (ahead.shift() as Promise<ScoredText[]>);
  }
  for (const last of ahead) yield await last;
}

/** Several shards of a model as one, in the order of the places. */
export async function* mergedPages(shards: readonly PageScan[]): AsyncGenerator<StoredText[], void, undefined> {
  const heads: { readonly pages: AsyncGenerator<ScoredText[]>; page: ScoredText[]; at: number }[] = [];
  const all = shards.map((reading) => listedPages(reading));
  const firsts = await Promise.all(all.map((pages) => pages.next()));
  for (const [at, { value }] of firsts.entries()) {
    const pages = all[at] as AsyncGenerator<ScoredText[]>;
    if (value !== undefined) heads.push({ pages, page: value, at: 0 });
  }
  const { size = 1 } = shards[0] ?? {};
  let merged: StoredText[] = [];
  while (heads.length > 0) {
    let first = 0;
    for (let other = 1; other < heads.length; other++) {
      if (scoreOf(heads[other]) < scoreOf(heads[first])) first = other;
    }
    const head = heads[first] as (typeof heads)[number];
    merged.push(head.page[head.at++] as ScoredText);
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

function scoreOf(head: { readonly page: ScoredText[]; readonly at: number } | undefined): number {
  return head?.page[head.at]?.score ?? Infinity;
}

/** The last place, undefined where there is none, and how many there are. */
async function extent({ read, keys, empty }: PageScan): Promise<[end: number | undefined, count: number]> {
  const [[, end], count] = await read((client) =>
    Promise.all([client.zrange(keys.index, '-1', '-1', 'WITHSCORES'), client.zcard(keys.index)]),
  );
  if (end === undefined) await empty();
  return [end === undefined ? undefined : Number(end), count];
}

async function rankedPage({ read, keys, size }: PageScan, start: number): Promise<RankedPage> {
  const end = start + size - 1;
  const answers = await read(async (client) => {
    const together = client.multi().zrange(keys.index, String(end), String(end), 'WITHSCORES');
    const before = String(start - 1);
    if (start > 0) together.zrange(keys.index, before, before, 'WITHSCORES');
    return together
      .call('SORT_RO', keys.index, 'BY', 'nosort', 'LIMIT', start, size, 'GET', '#', 'GET', `${keys.prefix}*`)
      .exec();
  });
  const lists = (answers ?? []).map(([error, value]) => {
    if (error !== null) throw error;
    return value as (string | null)[];
  });
  return {
    before: start > 0 ? Number(lists[1]?.[1]) : undefined,
    last: Number(lists[0]?.[1]),
    flat: lists.at(-1) ?? [],
  };
}

async function* indexPages(
  reading: PageScan,
  range?: ScoreRange,
): AsyncGenerator<[uid: string, place: number][], void, undefined> {
  const { read, keys, size } = reading;
  const [end] = range === undefined ? await extent(reading) : [range.end];
  if (end === undefined) return;
  const page = (from: string, most: number): Promise<string[]> =>
    startEager(
      read((client) => client.zrange(keys.index, from, String(end), 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')),
    );
  // The first is short, so that the first objects come soon.
  let most = size;
  let next: Promise<string[]> | undefined = page(range === undefined ? '-inf' : `(${range.after}`, most);
  // Shards may have two objects at one place, after a failover or a clear that lost the counter: a page may end between.
  let atLast: ReadonlySet<string> = new Set();
  while (next !== undefined) {
    const flat: string[] = await next;
    if (flat.length === 0) await reading.empty();
    const full = flat.length === 2 * most;
    const all = Array.from({ length: flat.length / 2 }, (_, at): [uid: string, place: number] => [
      flat[2 * at] as string,
      Number(flat[2 * at + 1]),
    ]);
    const passed = atLast;
    const last = all.at(-1)?.[1];
    atLast = new Set(all.filter(([, place]) => place === last).map(([uid]) => uid));
    most = size * INDEX_PAGES + atLast.size;
    next = full ? page(String(last), most) : undefined;
    const fresh = all.filter(([uid]) => !passed.has(uid));
    for (let at = 0; at < fresh.length; at += size) yield fresh.slice(at, at + size);
  }
}

async function textsOf({ read, keys }: PageScan, page: readonly [uid: string, score: number][]): Promise<ScoredText[]> {
  const texts = await read((client) => client.mget(page.map(([uid]) => keys.prefix + uid)));
  return page.map(([uid, score], at) => ({ uid, score, text: texts[at] ?? null }));
}

/** Awaited in its turn; whoever reads may stop before. */
export function startEager<T>(asked: Promise<T>): Promise<T> {
  asked.catch(() => undefined);
  return asked;
}
