/** One process of the soak: writers that write and read their own objects, and some that all processes share. */
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { ObjectStoreException } from '../../../src/index.js';
import { CountingStore, Device } from '../counting-store.js';
import { outcomeOf, PossibleStates, type Outcome } from '../possible-states.js';

export interface WorkerOptions {
  readonly url: string;
  readonly storeId: string;
  /** Of this process; each has a number of its own. */
  readonly number: number;
  readonly seed: number;
  readonly timeout: number;
}

export interface WorkerReport {
  readonly operations: number;
  readonly acknowledged: number;
  /** What was read and could not be: an acknowledged write that is gone, one done twice, or one done late. */
  readonly lost: readonly string[];
  /** Refusals that could not be. */
  readonly falseConflicts: readonly string[];
  readonly hung: number;
  readonly unhandled: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly longestMs: number;
  readonly heapGrowth: number;
  /** Of the shared counters: increments that were acknowledged, and those that may have been done. */
  readonly increments: readonly [acknowledged: number, unknown: number];
  /** Shared objects for which `add` resolved in this process. */
  readonly claims: readonly (readonly [name: string, role: string])[];
  readonly unknownClaims: readonly (readonly [name: string, role: string])[];
}

export const CLAIMS = 1500;
const WRITERS = 4;
const UIDS = 12;

const step = fc.record({
  kind: fc.constantFrom(
    'add',
    'addMany',
    'update',
    'updateMany',
    'remove',
    'removeMany',
    'updateOr',
    'count',
    'claim',
    'read',
  ),
  at: fc.nat({ max: UIDS - 1 }),
  many: fc.integer({ min: 2, max: 6 }),
  role: fc.constantFrom('a', 'b', 'c'),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Worker {
  private readonly states = new PossibleStates();
  private readonly codes: Record<string, number> = {};
  private readonly lost: string[] = [];
  private readonly falseConflicts: string[] = [];
  private readonly claims: [string, string][] = [];
  private readonly unknownClaims: [string, string][] = [];
  private readonly increments: [number, number] = [0, 0];
  private operations = 0;
  private acknowledged = 0;
  private hung = 0;
  private unhandled = 0;
  private longestMs = 0;
  private heap = 0;
  private ending = false;

  private constructor(
    private readonly store: CountingStore,
    private readonly options: WorkerOptions,
  ) {
    process.on('unhandledRejection', () => this.unhandled++);
  }

  static async start(options: WorkerOptions): Promise<Worker> {
    const { url, storeId, timeout } = options;
    const store = new CountingStore({ url, storeId, timeout });
    await store.open();
    return new Worker(store, options);
  }

  /** Until `end` is called. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => this.write(writer)));
  }

  end(): void {
    this.ending = true;
  }

  warm(): void {
    this.heap = heapUsed();
  }

  /** Once all is well again: what is there must be possible. */
  async report(): Promise<WorkerReport> {
    for (let writer = 0; writer < WRITERS; writer++) {
      for (let at = 0; at < UIDS; at++) await this.read(this.uid(writer, at));
    }
    const { operations, acknowledged, lost, falseConflicts, hung, unhandled, codes, longestMs } = this;
    const { increments, claims, unknownClaims } = this;
    const counted = { operations, acknowledged, lost, falseConflicts, hung, unhandled, codes, longestMs };
    return { ...counted, increments, claims, unknownClaims, heapGrowth: heapUsed() - this.heap };
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  private async write(writer: number): Promise<void> {
    for (let round = 0; !this.ending; round++) {
      const seed = this.options.seed + 1000 * this.options.number + 100 * writer + 10_000 * round;
      for (const each of fc.sample(step, { numRuns: 500, seed })) {
        if (this.ending) return;
        await this.take(writer, each);
      }
    }
  }

  private async take(writer: number, each: Step): Promise<void> {
    const { kind, at, many, role } = each;
    if (kind === 'read') return this.read(this.uid(writer, at));
    if (kind === 'claim') return this.claim(writer);
    if (kind === 'count') {
      const counted = await this.timed(() => this.store.increment(`counter${at % 4}`));
      if (counted === 'done') this.increments[0]++;
      if (counted === 'unknown') this.increments[1]++;
      return;
    }
    const objs = Array.from(
      { length: kind.endsWith('Many') ? many : 1 },
      (_, more) => new Device({ name: this.uid(writer, at + more), role }),
    );
    const outcome = await this.timed(() => this.store.act(kind, objs));
    const write = kind.startsWith('update') ? 'update' : kind.startsWith('add') ? 'add' : 'remove';
    if (!this.states.write(write, objs, outcome)) this.falseConflicts.push(`${JSON.stringify(each)}: ${outcome}`);
  }

  /** All writers of all processes want each of these objects: one gets it. */
  private async claim(writer: number): Promise<void> {
    const name = `claim${Math.floor(Math.random() * CLAIMS)}`;
    const role = `${this.options.number}.${writer}`;
    const outcome = await this.timed(() => this.store.add({ obj: new Device({ name, role }) }));
    if (outcome === 'done') this.claims.push([name, role]);
    if (outcome === 'unknown') this.unknownClaims.push([name, role]);
  }

  private async read(uid: string): Promise<void> {
    let role: string | undefined;
    const outcome = await this.timed(async () => {
      const [found] = await this.store.find({ model: Device, uids: [uid] });
      role = found?.role;
    });
    if (outcome !== 'done') return;
    const possible = [...this.states.of(uid)].map(String);
    if (!this.states.read(uid, role)) this.lost.push(`${uid} is ${role}, and may be ${possible.join(' or ')}`);
  }

  private async timed(work: () => Promise<unknown>): Promise<Outcome> {
    const started = performance.now();
    this.operations++;
    try {
      await work();
      this.acknowledged++;
      return 'done';
    } catch (error) {
      const code = error instanceof ObjectStoreException ? error.code : String(error);
      this.codes[code] = (this.codes[code] ?? 0) + 1;
      return outcomeOf(error);
    } finally {
      const ms = performance.now() - started;
      this.longestMs = Math.max(this.longestMs, ms);
      // A busy machine may be late, but not by so much.
      if (ms > 2 * this.options.timeout + 3000) this.hung++;
    }
  }

  private uid(writer: number, at: number): string {
    return `${this.options.number}.${writer}.${at % UIDS}`;
  }
}

function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** The parent's commands, in their order, each answered once done. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let worker: Worker | undefined;
  let running: Promise<void> | undefined;
  const commands: Record<string, (options: WorkerOptions) => Promise<unknown>> = {
    start: async (options) => {
      worker = await Worker.start(options);
      running = worker.run();
      running.catch(() => undefined);
    },
    warm: async () => worker?.warm(),
    end: async () => {
      worker?.end();
      await running;
    },
    report: async () => worker?.report(),
    close: async () => {
      await worker?.close();
      process.disconnect();
    },
  };
  process.on('message', ({ command, options }: { command: string; options: WorkerOptions }) => {
    void commands[command]?.(options).then(
      (answer) => process.connected && process.send?.({ answer }),
      (error: unknown) => process.connected && process.send?.({ error: String(error) }),
    );
  });
}
