/** 4 processes sync overlapping parts of one target, and one after another is killed in the midst of it. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisStore } from '../../../src/store/redis/index.js';
import { Inventory } from '../../fixtures/inventory.js';
import { startRedis } from '../../support/redis-server.js';
import { SITES, sourceOf, type SyncDone } from './syncs.worker.js';

const PROCESSES = 4;
/** How long a process may take to its next sync. */
const PATIENCE_MS = 30_000;
/** About how long a sync takes. */
const MAX_SYNC_MS = 1000;
const STORE_ID = 'syncs';

export interface SyncsReport {
  readonly seed: number;
  readonly syncs: number;
  readonly kills: number;
  /** Failed syncs, by code: those of writers that met each other. */
  readonly codes: Readonly<Record<string, number>>;
  /** Differences after one more sync. */
  readonly left: number;
  /** What `verify` reports, unlisted objects included. */
  readonly problems: readonly string[];
}

/** @param seconds - How long the processes sync. */
export async function soakSyncs({ seconds, seed }: { seconds: number; seed: number }): Promise<SyncsReport> {
  const server = await startRedis();
  const codes: Record<string, number> = {};
  const processes: ChildProcess[] = [];
  let [syncs, kills, started] = [0, 0, 0];
  const start = (): void => {
    const child = fork(join(process.cwd(), 'test/faults/soak/syncs.worker.ts'), {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    child.on('message', ({ code, message }: SyncDone) => {
      syncs++;
      if (code === 'none') process.stderr.write(`${message}\n`);
      if (code !== '') codes[code] = (codes[code] ?? 0) + 1;
    });
    child.send({ url: server.url, storeId: STORE_ID, seed: seed + 17 * started++ });
    processes.push(child);
  };
  const kill = async (child: ChildProcess | undefined): Promise<void> => {
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  try {
    for (let at = 0; at < PROCESSES; at++) start();
    for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
      // In the midst of a sync that follows: it has begun by then, however slow the machine is.
      const oldest = processes.shift() as ChildProcess;
      await Promise.race([once(oldest, 'message'), sleep(PATIENCE_MS)]);
      await sleep(Math.random() * MAX_SYNC_MS);
      await kill(oldest);
      kills++;
      start();
    }
    await Promise.all(processes.splice(0).map(kill));
    const store = await RedisStore.connect({ url: server.url, storeId: STORE_ID });
    try {
      const target = new Inventory({ name: 'target', store });
      const source = await sourceOf(SITES, seed);
      await target.syncFrom(source, { unlisted: 'delete' });
      const { length } = await target.diffFrom(source, { unlisted: 'delete' });
      const { problems } = await store.verify();
      const unchanged = (await target.diffFrom(source)).summary()['no-change'];
      return {
        seed,
        syncs,
        kills,
        codes,
        left: length - unchanged,
        problems: problems.map(({ kind, model, uniqueId }) => `${kind} ${model} ${uniqueId}`),
      };
    } finally {
      await store.close();
    }
  } finally {
    await Promise.all(processes.map(kill));
    await server.stop();
  }
}
