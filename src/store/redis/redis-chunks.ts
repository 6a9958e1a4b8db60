import { encodeRecord } from '../../model/record-codec.js';
import type { ModelRecord } from '../../model/model-record.js';
import type { ModelKeys } from './redis-keys.js';

/** Objects, and characters of text, in one write: more block the server for too long. */
export const WRITE_CHUNK = 500;
const WRITE_CHUNK_CHARS = 256 * 1024;

/** What goes to one place in one step; `positions` are those of the whole. */
export interface Chunk<T> {
  readonly keys: ModelKeys;
  readonly positions: number[];
  readonly items: T[];
}

export interface WriteChunk extends Chunk<string> {
  /** Places in the order, joined by commas; '' where the script finds them. */
  readonly places: string;
}

/** Where an object is kept. */
export type KeysOf = (uid: string) => ModelKeys;

/**
 * `items` are unique id and text in turn. Encoded as they are taken, so that encoding one chunk overlaps the wire of the
 * one before.
 * @param firstPlace of the first record, where places are given and not found.
 */
export function* writeChunks(
  records: readonly ModelRecord[],
  keysOf: KeysOf,
  firstPlace: number | undefined,
): Generator<WriteChunk, void, undefined> {
  const open = new Map<ModelKeys, { chunk: Chunk<string>; chars: number }>();
  const close = (chunk: Chunk<string>): WriteChunk => ({
    ...chunk,
    places: firstPlace === undefined ? '' : chunk.positions.map((position) => firstPlace + position).join(','),
  });
  for (const [position, record] of records.entries()) {
    const keys = keysOf(record.uid);
    const text = encodeRecord(record);
    let filling = open.get(keys);
    const full =
      filling !== undefined &&
      (filling.chunk.positions.length === WRITE_CHUNK || filling.chars + text.length > WRITE_CHUNK_CHARS);
    if (full && filling !== undefined) yield close(filling.chunk);
    if (full || filling === undefined) {
      filling = { chunk: { keys, positions: [], items: [] }, chars: 0 };
      open.set(keys, filling);
    }
    filling.chunk.positions.push(position);
    filling.chunk.items.push(record.uid, text);
    filling.chars += text.length;
  }
  for (const { chunk } of open.values()) yield close(chunk);
}

/** `items` are unique ids. */
export function* uidChunks(
  uids: readonly string[],
  keysOf: KeysOf,
  size: number,
): Generator<Chunk<string>, void, undefined> {
  const open = new Map<ModelKeys, Chunk<string>>();
  for (const [position, uid] of uids.entries()) {
    const keys = keysOf(uid);
    let chunk = open.get(keys);
    if (chunk === undefined || chunk.items.length === size) {
      if (chunk !== undefined) yield chunk;
      open.set(keys, (chunk = { keys, positions: [], items: [] }));
    }
    chunk.positions.push(position);
    chunk.items.push(uid);
  }
  yield* open.values();
}
