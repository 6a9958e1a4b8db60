import pMap from 'p-map';
import { ValueError } from '../../../errors.js';
import { encodeRecord } from '../../../record/record-codec.js';
import type { ModelRecord } from '../../../record/model-record.js';
import { Failed } from '../../../async/outcome.js';
import type { ModelKeys } from '../layout/keys.js';

/** Objects in one read. */
export const READ_CHUNK = 1000;
/** Chunks in flight: a third gains little and keeps other clients waiting. */
export const CHUNKS_IN_FLIGHT = 2;
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

/** The text of an object that has grown by its child lists. @throws ValueError for one that is too large. */
export function encodeGrown(model: string, record: ModelRecord, maxBytes: number): string {
  const text = encodeRecord(record);
  // No character takes more than three bytes.
  const bytes = text.length * 3 > maxBytes ? Buffer.byteLength(text) : 0;
  if (bytes <= maxBytes) return text;
  throw new ValueError(`${model} "${record.uid}": it takes ${bytes} bytes, and maxObjectBytes is ${maxBytes}`);
}

/**
 * `items` are unique id and text in turn. A record that is no text yet is encoded as it is taken, so that encoding one chunk
 * overlaps the wire of the one before.
 * @param firstPlace of the first record, where places are given and not found.
 */
export function* writeChunks(
  records: readonly ModelRecord[],
  keysOf: KeysOf,
  firstPlace: number | undefined,
): Generator<WriteChunk, void, undefined> {
  const open = new Map<ModelKeys, { chunk: Chunk<string>; chars: number }>();
  const close = ({ keys, positions, items }: Chunk<string>): WriteChunk => ({
    keys,
    positions,
    items,
    places: firstPlace === undefined ? '' : positions.map((position) => firstPlace + position).join(','),
  });
  for (let position = 0; position < records.length; position++) {
    const record = records[position] as ModelRecord;
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

/**
 * Writes a chunk, and where one object spoils it, its objects one by one.
 * @param isSpoilt whether an error may be that of one object alone; nothing was written then.
 */
export function withPerItemFallback(
  write: (chunk: WriteChunk) => Promise<boolean>,
  isSpoilt: (error: unknown) => boolean,
  fail: (position: number, error: unknown) => void,
): (chunk: WriteChunk) => Promise<boolean> {
  const attempt = async (chunk: WriteChunk): Promise<boolean> => {
    try {
      return await write(chunk);
    } catch (error) {
      const { keys, positions, items } = chunk;
      const [only, ...others] = positions;
      if (!isSpoilt(error) || only === undefined) throw error;
      if (others.length === 0) {
        fail(only, error);
        return false;
      }
      const places = chunk.places.split(',');
      let created = false;
      for (const [at, position] of positions.entries()) {
        const single = {
          keys,
          positions: [position],
          items: items.slice(2 * at, 2 * at + 2),
          places: places[at] ?? '',
        };
        if (await attempt(single)) created = true;
      }
      return created;
    }
  };
  return attempt;
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

/**
 * Works on some chunks at a time, and makes the next one meanwhile. Begins none after a failure.
 * @param pieces in all chunks together. @returns in the order of the chunks.
 */
export async function mapChunks<T, R>(
  chunks: Generator<T, void, undefined>,
  pieces: number,
  work: (chunk: T) => Promise<R>,
  signal: AbortSignal | undefined,
): Promise<R[]> {
  if (pieces <= 1) {
    const [only] = chunks;
    return only === undefined ? [] : [await work(only)];
  }
  const inFlight: Promise<R>[] = [];
  let failure: Failed | undefined;
  const workAfter = async (before: Promise<R> | undefined, chunk: T): Promise<R> => {
    if (before !== undefined) await before;
    if (failure !== undefined) throw failure.error;
    signal?.throwIfAborted();
    try {
      return await work(chunk);
    } catch (error) {
      failure ??= new Failed(error);
      throw error;
    }
  };
  const next = (chunk: T): Promise<R> => {
    const done = workAfter(inFlight.length < CHUNKS_IN_FLIGHT ? undefined : inFlight.shift(), chunk);
    inFlight.push(done);
    return done;
  };
  return pMap(chunks, next, { concurrency: CHUNKS_IN_FLIGHT + 1, ...(signal === undefined ? {} : { signal }) });
}
