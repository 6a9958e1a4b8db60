import { CHANGES_PER_PART, firstIndexOf } from './change-lines.js';
import { partKey, type RunRecord } from './run-records.js';
import type { RunStore } from './run-store.js';

/**
 * Finds the part of a run's changes that has the change of an index, without the parts before it: no part has more changes than there
 * may be, and most have that many, so that one look is mostly enough. Where large changes make parts short, it halves what is left.
 * @returns the number of the part; of an index behind all changes, that of the last one.
 */
export async function seekPart(
  history: RunStore,
  { run, chunks }: RunRecord,
  index: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const begin = async (part: number): Promise<number> => {
    const [text = ''] = await history.chunkTexts([partKey(run, part)], signal);
    return text === '' ? Infinity : firstIndexOf(text);
  };
  // What holds in the loop: the part `first` begins at or before the index, and no part behind `last` does.
  let last = Math.max(0, chunks - 1);
  let first = Math.min(Math.floor(index / CHANGES_PER_PART), last);
  for (let probe = first + 1; first < last; probe = Math.ceil((first + last) / 2)) {
    if ((await begin(probe)) <= index) first = probe;
    else last = probe - 1;
  }
  return first;
}
