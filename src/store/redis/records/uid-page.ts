import { wrongNext, type UidPage } from '../../uid-page.js';
import type { PageScan } from './page-scan.js';

/** Objects of equal score that are read besides: a few at most have one, after a failover that lost the counter of a split model. */
const TIES = 8;

interface ScoredUid {
  readonly uid: string;
  readonly score: number;
}

/**
 * Returns a page of unique ids of all shards of a model, in the order of their scores: those of equal score in the order of their bytes, as
 * the server has them.
 * @throws ValueError for what no page has given as `next`.
 */
export async function uidsBehind(
  shards: readonly PageScan[],
  limit: number,
  after: string | undefined,
): Promise<UidPage> {
  const place = after === undefined ? undefined : placeOf(after);
  for (let most = limit + TIES; ; most *= 4) {
    const read = await Promise.all(shards.map((shard) => readIndex(shard, place?.score, most)));
    const pages = read.map((page) => page.filter((each) => place === undefined || compare(each, place) > 0));
    // Of each shard there has to be more than the page needs, or all: then nothing unread belongs into the page.
    if (!pages.every((page, at) => page.length > limit || (read[at]?.length ?? 0) < most)) continue;
    const found = pages.flat().toSorted(compare);
    const uids = found.slice(0, limit);
    const last = uids.at(-1);
    const next = found.length > limit && last !== undefined ? `${last.score}:${last.uid}` : undefined;
    return { uids: uids.map(({ uid }) => uid), next };
  }
}

async function readIndex({ read, keys }: PageScan, from: number | undefined, most: number): Promise<ScoredUid[]> {
  const begin = from === undefined ? '-inf' : String(from);
  const flat = await read((client) =>
    client.zrange(keys.index, begin, '+inf', 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES'),
  );
  return Array.from({ length: flat.length / 2 }, (_, at) => ({
    uid: flat[2 * at] as string,
    score: Number(flat[2 * at + 1]),
  }));
}

function compare(a: ScoredUid, b: ScoredUid): number {
  return a.score - b.score || Buffer.compare(Buffer.from(a.uid), Buffer.from(b.uid));
}

function placeOf(after: string): ScoredUid {
  const [, score, uid] = /^(-?\d+(?:\.\d+)?):(.*)$/s.exec(after) ?? [];
  if (score === undefined || uid === undefined) throw wrongNext(after);
  return { uid, score: Number(score) };
}
