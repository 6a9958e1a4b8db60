import pMap from 'p-map';
import type { ChangesSince } from '../../change-log.js';
import { isSlotMoving } from '../connection/reply-errors.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { CommandExecutor } from '../commands/command-executor.js';
import type { ScriptedRedis } from '../scripts/scripts.js';
import { mapChunks, READ_CHUNK, uidChunks, type Chunk } from './chunks.js';
import type { ModelIndex } from './model-index.js';

/** Elements of a log that are read in one call: more of them block the server for too long. */
const LOG_PAGE = 5000;
/** Shards of a model, where each has its own call. */
const READS_IN_FLIGHT = 50;

/** Of a shard whose log began with its first object, before there was one. */
const BEGINNING = '0';
/** Of every other one: the last header, and its position since the log began. */
const CURSOR = /^(\S+ (?:\d+|\*)) (\d+)$/;
/** A header: what no other write has, and how many unique ids follow; "*" where what was written before is not known. */
const HEADER = /^\S+ (\d+)$/;

const UNKNOWN: ChangesSince = { cursor: undefined, uids: undefined };

/** A place in the log of a shard. */
interface Place {
  /** '' for its beginning. */
  readonly header: string;
  readonly position: number;
  /** The position of the first element after it. */
  readonly end: number;
}

/** Reads what the scripts log: which objects of a model were written since a cursor, and in what order objects stand. */
export class RedisChangeLog {
  constructor(
    private readonly keys: RedisKeys,
    private readonly commands: CommandExecutor,
    private readonly models: ModelIndex,
  ) {}

  /** @param cursor - Of an earlier answer: those of the shards, joined. */
  async since(model: string, cursor: string | undefined, signal?: AbortSignal): Promise<ChangesSince> {
    if (this.keys.ttl !== undefined) return UNKNOWN;
    const shards = this.keys.of(model);
    const cursors = cursor?.split(',') ?? [];
    const known = cursors.length === shards.length ? cursors : [];
    const read = (shard: ModelKeys, at: number): Promise<ChangesSince> => this.sinceOf(shard, known[at], signal);
    const reading = pMap(shards, read, { concurrency: READS_IN_FLIGHT });
    const [answers] = await Promise.all([reading, this.models.checkSplit([model])]);
    const ends = answers.flatMap((answer) => answer.cursor ?? []);
    if (ends.length < shards.length) return UNKNOWN;
    const changed = new Set<string>();
    for (const { uids } of answers) {
      if (uids === undefined) return { cursor: ends.join(','), uids };
      for (const uid of uids) changed.add(uid);
    }
    return { cursor: ends.join(','), uids: [...changed] };
  }

  /** @returns those that have a score, by it: that of the master, which is never behind. */
  async inOrder(model: string, uids: readonly string[], signal?: AbortSignal): Promise<string[]> {
    const found: { readonly uid: string; readonly score: number }[] = [];
    const read = async ({ keys, items }: Chunk<string>): Promise<void> => {
      const { index, state } = keys;
      const { format } = this.keys;
      const scores = await this.commands.read((client) => client.diffsyncScores(index, state, format, items), {
        signal,
      });
      if (typeof scores === 'number') return this.models.checkExtent(model, keys, scores);
      for (const [at, uid] of items.entries()) {
        if (scores[at] !== '') found.push({ uid, score: Number(scores[at]) });
      }
    };
    const chunks = uidChunks(uids, (uid) => this.keys.holding(model, uid), READ_CHUNK);
    await Promise.all([mapChunks(chunks, uids.length, read, signal), this.models.checkSplit([model])]);
    return found.toSorted((a, b) => a.score - b.score).map(({ uid }) => uid);
  }

  private async sinceOf(shard: ModelKeys, cursor: string | undefined, signal?: AbortSignal): Promise<ChangesSince> {
    let from = cursor === undefined ? undefined : placeOf(cursor);
    let [logged, whole, ...elements] = await this.page(shard, from, from?.end ?? -1, signal);
    if (logged === undefined) return UNKNOWN;
    if (logged === '') return { cursor: BEGINNING, uids: whole === 1 ? [] : undefined };
    const last = placeOf(logged);
    // Another program has written there.
    if (last === undefined) return UNKNOWN;
    const unknown = { cursor: logged, uids: undefined };
    const uids: string[] = [];
    /** Unique ids that follow before the next header. */
    let following = 0;
    for (let at = from?.end ?? 0; ;) {
      if (whole !== 1) return unknown;
      for (const element of elements) {
        if (at++ === last.end) break;
        if (following-- > 0) uids.push(element);
        else following = Number(HEADER.exec(element)?.[1] ?? Number.NaN);
        if (Number.isNaN(following)) return unknown;
      }
      if (at >= last.end) return { cursor: logged, uids };
      if (elements.length === 0) return unknown;
      // What was there when the last one was written, is all there while that is where it was.
      from = last;
      [logged, whole, ...elements] = await this.page(shard, from, at, signal);
    }
  }

  /** @param anchor - Must still be where it was. @param from - The position of the first element. */
  private page(
    { index, state, log }: ModelKeys,
    anchor: Place | undefined,
    from: number,
    signal: AbortSignal | undefined,
  ): Promise<[logged?: string, whole?: number, ...elements: string[]]> {
    const { header, position } = anchor ?? { header: '', position: 0 };
    const send = async (client: ScriptedRedis): ReturnType<ScriptedRedis['diffsyncChanges']> => {
      try {
        return await client.diffsyncChanges(index, state, log, this.keys.format, header, position, from, LOG_PAGE);
      } catch (error) {
        // A slot may move for longer than a caller waits.
        if (isSlotMoving(error)) return [];
        throw error;
      }
    };
    return this.commands.read(send, { signal });
  }
}

/** @returns undefined for a text that names no place in a log. */
function placeOf(cursor: string): Place | undefined {
  if (cursor === BEGINNING) return { header: '', position: 0, end: 0 };
  const [, header, at] = CURSOR.exec(cursor) ?? [];
  if (header === undefined) return undefined;
  const position = Number(at);
  return { header, position, end: position + 1 + Number(HEADER.exec(header)?.[1] ?? 0) };
}
