// Connections are cut after the server has executed a write and before its reply has arrived, thousands of times.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RedisStore } from '../../src/store/redis/index.js';
import { sized } from '../support/full.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { CountingStore, Device } from './counting-store.js';
import { openPatiently } from '../support/open-patiently.js';
import { outcomeOf, PossibleStates, type Outcome } from './possible-states.js';
import { SEED } from './seed.js';

const UIDS = 6;

const step = fc.record({
  kind: fc.constantFrom('add', 'addMany', 'update', 'updateMany', 'remove', 'removeMany', 'updateOr', 'count'),
  at: fc.nat({ max: UIDS - 1 }),
  many: fc.integer({ min: 2, max: 4 }),
  role: fc.constantFrom('a', 'b'),
  /** How many replies to the operation are lost. */
  lost: fc.constantFrom(0, 1, 1, 1, 2, 3),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** One writer, with a connection and objects of its own, and a counter that all share. */
class Writer {
  readonly outcomes: Record<Outcome, number> = { done: 0, exists: 0, missing: 0, unknown: 0, 'not done': 0 };
  readonly lies: string[] = [];
  cuts = 0;
  increments = 0;
  private readonly states = new PossibleStates();
  private toLose = 0;

  private constructor(
    private readonly number: number,
    private readonly proxy: TcpProxy,
    private readonly store: CountingStore,
    outage: boolean,
  ) {
    proxy.loseReplies((request) => {
      if (this.toLose === 0 || !/\r\neval(sha)?\r\n/i.test(request)) return false;
      this.toLose--;
      this.cuts++;
      if (outage) proxy.refuse();
      return true;
    });
  }

  /** @param outage whether no server is reachable after a cut until the operation has ended. */
  static async open(number: number, timeout: number, outage: boolean): Promise<Writer> {
    const proxy = await startTcpProxy(server);
    const store = new CountingStore({ url: proxy.url, storeId: 'lost', timeout });
    await openPatiently(store);
    return new Writer(number, proxy, store, outage);
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const each of steps) if (this.store.isOpen) await this.take(each);
    for (let at = 0; at < UIDS; at++) await this.check(at);
  }

  async close(): Promise<void> {
    await this.store.close();
    await this.proxy.close();
  }

  private async take(each: Step): Promise<void> {
    const { kind, at, many, role, lost } = each;
    const objs = Array.from({ length: kind.endsWith('Many') ? many : 1 }, (_, more) => this.device(at + more, role));
    this.toLose = lost;
    const outcome = await (kind === 'count' ? this.store.increment('shared') : this.store.act(kind, objs)).then(
      (): Outcome => 'done',
      outcomeOf,
    );
    this.toLose = 0;
    this.proxy.flow();
    this.outcomes[outcome]++;
    if (kind === 'count') {
      if (outcome === 'done') this.increments++;
    } else {
      const write = kind.startsWith('update') ? 'update' : kind.startsWith('add') ? 'add' : 'remove';
      if (!this.states.write(write, objs, outcome)) this.lies.push(`${JSON.stringify(each)}: ${outcome}`);
    }
    await this.check(at);
  }

  private async check(at: number): Promise<void> {
    const { name } = this.device(at, '');
    const [found] = await direct.find({ model: Device, uids: [name] });
    if (!this.states.read(name, found?.role)) this.lies.push(`${name} is ${found?.role}`);
  }

  private device(at: number, role: string): Device {
    return new Device({ name: `${this.number}-${at % UIDS}`, role });
  }
}

let server: RedisServer;
/** By a connection that is never cut. */
let direct: RedisStore;
const writers: Writer[] = [];

beforeAll(async () => {
  server = await startRedis();
  direct = await RedisStore.connect({ url: server.url, storeId: 'lost' });
});

afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.close();
  await direct.clear();
});

afterAll(async () => {
  await direct.close();
  await server.stop();
});

interface Sum {
  readonly lies: readonly string[];
  readonly cuts: number;
  readonly unknown: number;
  /** Writes that were refused for what is there, or not. */
  readonly refused: number;
  readonly failed: number;
  /** By how much the shared counter exceeds the increments that resolved. */
  readonly excess: number;
}

async function runWriters(
  count: number,
  steps: number,
  { timeout, outage = false }: { timeout: number; outage?: boolean },
): Promise<Sum> {
  await direct.add({ obj: new Device({ name: 'shared', role: '' }) });
  writers.push(...(await Promise.all(Array.from({ length: count }, (_, at) => Writer.open(at, timeout, outage)))));
  await Promise.all(writers.map((writer, at) => writer.run(fc.sample(step, { numRuns: steps, seed: SEED + at }))));
  const { size } = await direct.get({ model: Device, identifier: 'shared' });
  const sum = (of: (writer: Writer) => number): number => writers.reduce((total, writer) => total + of(writer), 0);
  return {
    lies: writers.flatMap(({ lies }) => lies),
    cuts: sum(({ cuts }) => cuts),
    unknown: sum(({ outcomes }) => outcomes.unknown),
    refused: sum(({ outcomes }) => outcomes.exists + outcomes.missing),
    failed: sum(({ outcomes }) => outcomes['not done']),
    excess: size - sum(({ increments }) => increments),
  };
}

describe(`replies that are lost after the server has executed (SEED=${SEED})`, () => {
  it('turn no success into a conflict, and nothing is done twice, in many cuts', async () => {
    // A server is always reachable: a busy machine takes its time, and no deadline of a write may depend on it.
    const { lies, cuts, unknown, refused, failed, excess } = await runWriters(16, sized(110, 40), { timeout: 120_000 });
    expect({ lies, unknown, failed, excess }).toEqual({ lies: [], unknown: 0, failed: 0, excess: 0 });
    expect(cuts).toBeGreaterThan(sized(2000, 700));
    expect(refused).toBeGreaterThan(sized(200, 70));
  }, 600_000);

  it('and after which no server is reachable in time: STORE_OUTCOME_UNKNOWN, and the store is as one of its outcomes', async () => {
    const { lies, unknown, excess } = await runWriters(8, 30, { timeout: 200, outage: true });
    expect(lies).toEqual([]);
    // How many depends on the machine: each outage lasts longer than a write may take.
    expect(unknown).toBeGreaterThan(0);
    expect(excess).toBeGreaterThanOrEqual(0);
    expect(excess).toBeLessThanOrEqual(unknown);
  }, 600_000);
});
