/** A process that writes to two sides, or that makes one equal to the other again and again, until it is told to stop or killed. */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import type { BaseStore, DiffSyncLogger } from '../../../src/index.js';
import { RedisStore } from '../../../src/store/redis/index.js';
import { SqliteStore } from '../../../src/store/sqlite/index.js';
import { changesOf, make, Network, type Change } from './random-changes.js';

const silent: DiffSyncLogger = { isEnabled: () => false, debug() {}, info() {}, warning() {}, error() {} };
/** Objects of a type that a process writes: no other one writes them to the source. */
const NAMES = 4;
/** What a process has left in the target where another one's sync deletes is settled by the next sync. */
const TERMS = { incremental: true, unlisted: 'delete', continueOnFailure: true } as const;

export type Engine = 'redis' | 'sqlite';

/** Where a store of each engine is, by what a process can be given. */
export const engines: Record<Engine, (where: string, storeId: string) => Promise<BaseStore>> = {
  redis: (url, storeId) => RedisStore.connect({ url, storeId, changeLog: true }),
  sqlite: (path, storeId) => SqliteStore.connect({ path, storeId, changeLog: true, timeout: 60_000 }),
};

/** The two sides, by the id of the pair. */
export async function sidesOf(
  engine: Engine,
  where: string,
  pair: string,
): Promise<{ source: Network; target: Network }> {
  const [src, dst] = [await engines[engine](where, `${pair}-source`), await engines[engine](where, `${pair}-target`)];
  return {
    source: new Network({ name: 'source', store: src, logger: silent }),
    target: new Network({ name: 'target', store: dst, logger: silent }),
  };
}

type Sides = Awaited<ReturnType<typeof sidesOf>>;

/**
 * Writes at random, to the source mostly.
 * @param by - whose objects.
 * @param kind - of all changes. Default: any that leaves each object below a parent, unless it is interrupted.
 */
export async function write(
  sides: Sides,
  by: number,
  seed: number,
  count: number,
  kind?: Change['kind'],
): Promise<void> {
  const { source, target } = sides;
  const changes = fc.sample(changesOf(NAMES, true), { numRuns: count, seed });
  for (const change of changes) {
    const own: Change = {
      ...change,
      kind: kind ?? change.kind,
      at: change.at + NAMES * by,
      other: change.other + NAMES * by,
    };
    for (const side of own.sides) {
      const made = make((side === 'src' ? source : target).store, own);
      // What a sync does to the target meanwhile may leave nothing to change.
      await (side === 'src' ? made : made.catch(() => undefined));
    }
  }
}

/** Makes the target equal to the source. @returns whether that was incremental. */
export async function sync({ source, target }: Sides): Promise<boolean> {
  return (await target.syncFrom(source, TERMS)).incremental !== false;
}

/** What a process is told at first. */
export interface Order {
  readonly engine: Engine;
  readonly where: string;
  readonly pair: string;
  readonly task: 'write' | 'sync';
  readonly by: number;
  readonly seed: number;
}

async function work({ engine, where, pair, task, by, seed }: Order): Promise<void> {
  const sides = await sidesOf(engine, where, pair);
  let isStopped = true;
  process.on('message', (word) => (isStopped = word === 'stop'));
  for (let round = seed; ; round++) {
    if (isStopped) {
      process.send?.('stopped');
      await once(process, 'message');
    }
    await write(sides, by, round, 5, task === 'sync' ? 'text' : undefined);
    if (task !== 'sync') continue;
    await sync(sides);
    process.send?.('synced');
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', (order: Order) => void work(order));
  process.once('disconnect', () => process.exit());
  process.send?.('ready');
}
