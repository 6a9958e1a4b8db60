import { encodeRecord } from '../../model/record-codec.js';
import type { ModelChanges } from '../write-behind.js';
import type { ModelKeys } from './redis-keys.js';

/** Characters of text in one step for several models: more block the server for too long. */
const MOST_CHARS = 4 * 1024 * 1024;

/** An object to change: its unique id, the text that must still be there, and the one to store. */
export type Swap = readonly [uid: string, expected: string, text: string];

/** What a step does in one model. */
export interface SavedModel {
  readonly changes: ModelChanges;
  readonly keys: ModelKeys;
  readonly swaps: readonly Swap[];
}

/** @returns for each model what `save.lua` takes for it; undefined when it is too much for one step. */
export function saveArgs(models: readonly SavedModel[]): string[] | undefined {
  const args: string[] = [];
  let chars = 0;
  for (const { changes, keys, swaps } of models) {
    const { replaced, inserts, puts, removed } = changes;
    const lists = [replaced, inserts, puts, swaps, removed];
    args.push(keys.prefix, ...lists.map(({ length }) => String(length)), ...replaced);
    for (const record of [...inserts, ...puts]) args.push(record.uid, encodeRecord(record));
    args.push(...swaps.flat(), ...removed);
  }
  for (const { length } of args) chars += length;
  return chars > MOST_CHARS ? undefined : args;
}
