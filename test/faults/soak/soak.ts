/** Mixed operations from several processes, with a fault every few seconds; what came of it. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Table from 'cli-table3';
import fc from 'fast-check';
import { RedisStore } from '../../../src/store/redis/index.js';
import { call } from '../../support/redis-client.js';
import { startRedis } from '../../support/redis-server.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';
import { Device } from '../counting-store.js';
import { CLAIMS, type WorkerOptions, type WorkerReport } from './soak.worker.js';

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Of each operation, in ms. */
  readonly timeout: number;
  /** Between two faults, in ms. */
  readonly pause: number;
}

export interface SoakReport {
  readonly seed: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly operations: number;
  readonly acknowledged: number;
  readonly lost: readonly string[];
  readonly falseConflicts: readonly string[];
  readonly hung: number;
  readonly unhandled: number;
  /** Connections to the server beyond one a process; after the end, all. */
  readonly leakedConnections: number;
  /** Of the process that grew most, in MiB. */
  readonly heapGrowth: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly longestMs: number;
  readonly keysLeft: number;
}

const PROCESSES = 4;
const COUNTERS = 4;
const STORE_ID = 'soak';

export async function soak({ seconds, seed, timeout, pause }: SoakOptions): Promise<SoakReport> {
  let server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  const proxy = await startTcpProxy(server);
  const direct = await RedisStore.connect({ url: server.url, storeId: STORE_ID });
  const counters = Array.from({ length: COUNTERS }, (_, at) => new Device({ name: `counter${at}`, role: 'counter' }));
  await direct.addMany({ objs: counters });
  const workers = Array.from({ length: PROCESSES }, () => new Process());

  const faults: Record<string, (ms: number) => Promise<void> | void> = {
    'connections cut': () => proxy.cut(),
    'replies lost': () => {
      let left = 20;
      proxy.loseReplies((request) => /\r\neval(sha)?\r\n/i.test(request) && left-- > 0);
    },
    'network stalled': async (ms) => {
      proxy.stall();
      await sleep(ms);
      proxy.flow();
    },
    'links half open': async (ms) => {
      proxy.darken();
      await sleep(ms);
      proxy.flow();
    },
    'server unreachable': async (ms) => {
      proxy.refuse();
      await sleep(ms);
      proxy.flow();
    },
    'server frozen': async (ms) => {
      await server.pause();
      await sleep(ms);
      server.resume();
    },
    'server killed': async () => {
      server.kill('SIGKILL');
      await server.ended();
      server = await server.restart();
    },
    'scripts flushed': async () => void (await call(server, 'SCRIPT', 'FLUSH')),
  };
  const made: Record<string, number> = Object.fromEntries(Object.keys(faults).map((name) => [name, 0]));

  try {
    await Promise.all(
      workers.map((worker, number) =>
        worker.ask('start', { url: proxy.url, storeId: STORE_ID, number, seed, timeout }),
      ),
    );
    const end = Date.now() + seconds * 1000;
    // All of them one after another, each round in another order; half of the long ones longer than the time-out.
    for (let round = 0; Date.now() < end; round++) {
      const [order = []] = fc.sample(
        fc.shuffledSubarray(Object.keys(faults), { minLength: Object.keys(faults).length }),
        {
          numRuns: 1,
          seed: seed + round,
        },
      );
      for (const [at, name] of order.entries()) {
        await sleep(pause);
        if (Date.now() >= end) break;
        if (round === 0 && at === 1) await Promise.all(workers.map((worker) => worker.ask('warm')));
        await faults[name]?.(((at + round) % 2 === 0 ? 1.5 : 0.3) * timeout);
        made[name] = (made[name] ?? 0) + 1;
      }
    }
    await Promise.all(workers.map((worker) => worker.ask('end')));
    proxy.loseReplies(undefined);
    await sleep(timeout); // Reconnected, and what was late has been refused.
    const reports = await Promise.all(workers.map((worker) => worker.ask<WorkerReport>('report')));
    const connected = await connections();
    await Promise.all(workers.map((worker) => worker.close()));
    // The direct store has one too.
    const leakedConnections = connected - PROCESSES - 1 + ((await connections()) - 1);
    const lost = [...reports.flatMap((report) => report.lost), ...(await sharedLosses(direct, reports))];
    await direct.clear();
    const keysLeft = Number(await call(server, 'DBSIZE'));
    const sum = (of: (report: WorkerReport) => number): number =>
      reports.reduce((total, report) => total + of(report), 0);
    return {
      seed,
      faults: made,
      operations: sum(({ operations }) => operations),
      acknowledged: sum(({ acknowledged }) => acknowledged),
      lost,
      falseConflicts: reports.flatMap(({ falseConflicts }) => falseConflicts),
      hung: sum(({ hung }) => hung),
      unhandled: sum(({ unhandled }) => unhandled),
      leakedConnections,
      heapGrowth: Math.max(...reports.map(({ heapGrowth }) => heapGrowth)) / 2 ** 20,
      codes: reports.reduce<Record<string, number>>((codes, report) => {
        for (const [code, count] of Object.entries(report.codes)) codes[code] = (codes[code] ?? 0) + count;
        return codes;
      }, {}),
      longestMs: Math.max(...reports.map(({ longestMs }) => longestMs)),
      keysLeft,
    };
  } finally {
    for (const worker of workers) worker.kill();
    await direct.close();
    await proxy.close();
    await server.stop();
  }

  async function connections(): Promise<number> {
    const list = String(await call(server, 'CLIENT', 'LIST', 'TYPE', 'normal'));
    return list.split('\n').filter((line) => line.includes('name=nestjs-diffsync')).length;
  }
}

/** Of what all processes write: counters that differ from the increments that resolved, claims that two processes won or none. */
async function sharedLosses(store: RedisStore, reports: readonly WorkerReport[]): Promise<string[]> {
  const losses: string[] = [];
  const uids = Array.from({ length: COUNTERS }, (_, at) => `counter${at}`);
  const counted = (await store.getByUids({ model: Device, uids })).reduce((total, { size }) => total + size, 0);
  const resolved = reports.reduce((total, { increments: [done] }) => total + done, 0);
  const unknown = reports.reduce((total, { increments: [, maybe] }) => total + maybe, 0);
  if (counted < resolved || counted > resolved + unknown) {
    losses.push(`the counters are at ${counted}, after ${resolved} increments and ${unknown} of unknown outcome`);
  }
  const names = Array.from({ length: CLAIMS }, (_, at) => `claim${at}`);
  const holders = await store.find({ model: Device, uids: names });
  for (const [at, name] of names.entries()) {
    const of = (claims: WorkerReport['claims']): string[] => [
      ...new Set(claims.filter(([each]) => each === name).map(([, role]) => role)),
    ];
    const winners = of(reports.flatMap(({ claims }) => claims));
    const holder = holders[at]?.role;
    const fits =
      winners.length === 0
        ? holder === undefined || of(reports.flatMap(({ unknownClaims }) => unknownClaims)).includes(holder)
        : winners.length === 1 && winners[0] === holder;
    if (!fits) losses.push(`${name} is of ${holder}, but was won by ${winners.join(' and ') || 'no process'}`);
  }
  return losses;
}

/** A worker process, asked one thing at a time. */
class Process {
  private readonly child: ChildProcess;

  constructor() {
    this.child = fork(join(process.cwd(), 'test/faults/soak/soak.worker.ts'), {
      execArgv: ['--import', 'tsx', '--expose-gc'],
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  async ask<T = void>(command: string, options?: WorkerOptions): Promise<T> {
    this.child.send({ command, options });
    const gone = once(this.child, 'exit').then(([code, signal]) => {
      throw new Error(`a process of the soak ended: ${code ?? signal}`);
    });
    const [{ answer, error }] = (await Promise.race([once(this.child, 'message'), gone])) as [
      { answer?: T; error?: string },
    ];
    if (error !== undefined) throw new Error(`${command}: ${error}`);
    return answer as T;
  }

  async close(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.send({ command: 'close' });
    await exited;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

/** The table that the soak and the tests print. */
export function tableOf(report: SoakReport): string {
  const table = new Table({ colAligns: ['left', 'right'], style: { compact: true, border: [] } });
  const made = Object.values(report.faults).reduce((total, count) => total + count, 0);
  const row = (name: string, value: number, digits = 0): void => {
    table.push([name, value.toLocaleString('en', { maximumFractionDigits: digits })]);
  };
  row('faults made', made);
  for (const [name, count] of Object.entries(report.faults)) row(`  ${name}`, count);
  row('operations', report.operations);
  row('acknowledged', report.acknowledged);
  row('lost', report.lost.length);
  row('false conflicts', report.falseConflicts.length);
  row('hung', report.hung);
  row('unhandled rejections', report.unhandled);
  row('leaked connections', report.leakedConnections);
  row('heap growth, MiB', report.heapGrowth, 1);
  const codes = Object.entries(report.codes).toSorted(([a], [b]) => a.localeCompare(b));
  row(
    'errors',
    codes.reduce((total, [, count]) => total + count, 0),
  );
  for (const [code, count] of codes) row(`  ${code}`, count);
  row('longest stall, ms', report.longestMs);
  row('keys left', report.keysLeft);
  return `${table.toString()}\nseed ${report.seed}`;
}
