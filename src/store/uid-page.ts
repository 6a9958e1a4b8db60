import { ValueError } from '../errors.js';

/** A page of the unique ids of a model, in insertion order. */
export interface UidPage {
  readonly uids: readonly string[];
  /** What the next page goes on from; undefined on the last one. Only the store that gave it knows what it means. */
  readonly next: string | undefined;
}

/** @throws ValueError for what no page has given as `next`. */
export function wrongNext(after: string): ValueError {
  return new ValueError(`after is ${JSON.stringify(after.slice(0, 100))}, which is no "next" of a page of this store`);
}

/**
 * Makes a page of a scan of all unique ids, for a backend that cannot begin elsewhere. It goes on behind the last unique id of the page
 * before; where that was removed meanwhile, after as many as the pages before had.
 * @throws ValueError for what no page has given as `next`.
 */
export async function pageOfScan(
  scan: AsyncIterable<readonly string[]>,
  limit: number,
  after: string | undefined,
): Promise<UidPage> {
  const { rank, last } = after === undefined ? { rank: 0, last: undefined } : placeOf(after);
  const byRank: string[] = [];
  let behindLast: string[] | undefined = last === undefined ? [] : undefined;
  let seen = 0;
  scanning: for await (const page of scan) {
    for (const uid of page) {
      if (behindLast === undefined) {
        if (seen++ >= rank && byRank.length <= limit) byRank.push(uid);
        if (uid === last) behindLast = [];
      } else if (behindLast.push(uid) > limit) break scanning;
    }
  }
  const found = behindLast ?? byRank;
  const uids = found.slice(0, limit);
  return { uids, next: found.length > limit ? `${rank + limit}:${String(uids.at(-1))}` : undefined };
}

function placeOf(after: string): { readonly rank: number; readonly last: string } {
  const [, rank, last] = /^(\d{1,15}):(.*)$/s.exec(after) ?? [];
  if (rank === undefined || last === undefined) throw wrongNext(after);
  return { rank: Number(rank), last };
}
