/** Writers that note what was acknowledged, and the count of what is there in the end. */
import { randomUUID } from 'node:crypto';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import {
  DiffSyncModel,
  ObjectAlreadyExists,
  ObjectNotFound,
  ObjectStoreException,
  type BaseStore,
} from '../../src/index.js';
import type { RedisSharedOptions, RedisStore } from '../../src/store/redis/index.js';

/** Of each load. A failover without durability may lose one write of each. */
export const WRITERS = 12;

/** One of several models alike, so that on a cluster they lie on different nodes. */
export function modelNamed(name: string) {
  return class extends DiffSyncModel.define({
    name,
    schema: z.object({ name: z.string(), value: z.string().default('') }),
    identifiers: ['name'],
    attributes: ['value'],
  }) {};
}
type LoadModel = ReturnType<typeof modelNamed>;

/** The outcome of a load. No other process writes its unique ids, so that all of it is known. */
export interface Outcome {
  /** Operations that succeeded. */
  readonly acknowledged: number;
  /** Objects that are not as the last acknowledged write left them. */
  readonly lost: number;
  /** Objects that a read of all gives twice, or gives though their removal was acknowledged. */
  readonly duplicates: number;
  /** Objects that were said to be there, not to be there, or to be other than they are, against what was acknowledged. */
  readonly conflicts: number;
  /** By code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly longestStallMs: number;
}

/** Of an object: its values that would be right; null where it may be absent. */
type Possible = readonly (string | null)[];

class WriteLoad {
  private readonly expected = new Map<LoadModel, Map<string, Possible>>();
  private readonly errors: Record<string, number> = {};
  private readonly progress: number[];
  private readonly loops: Promise<void>[];
  private acknowledged = 0;
  private conflicts = 0;
  private longestStallMs = 0;
  private stopped = false;

  /** @param removes whether objects are removed too: after a loss no test can tell a false "not found" from a true one. */
  constructor(
    private readonly store: BaseStore,
    private readonly models: readonly LoadModel[],
    { writers, removes = true }: { writers: number; removes?: boolean },
  ) {
    for (const model of models) this.expected.set(model, new Map());
    this.progress = Array.from({ length: writers }, () => 0);
    this.loops = this.progress.map((_, writer) => this.write(writer, removes));
  }

  /** Resolves when each writer has gone through all models again: what was stuck is over by then. */
  async movesOn(): Promise<void> {
    const goal = this.progress.map((rounds) => rounds + this.models.length);
    while (this.progress.some((rounds, writer) => rounds < (goal[writer] as number))) await setTimeout(5);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.loops);
  }

  /** After `stop`. @param reader shares nothing with the store that was written through. */
  async outcome(reader: BaseStore): Promise<Outcome> {
    let [lost, duplicates] = [0, 0];
    for (const [model, objects] of this.expected) {
      const there = await reader.getAll({ model });
      const values = new Map(there.map(({ name, value }) => [name, value]));
      duplicates += there.length - values.size + Math.abs(there.length - (await reader.count({ model })));
      for (const [name, possible] of objects) {
        const value = values.get(name) ?? null;
        if (possible.includes(value)) continue;
        if (possible.includes(null)) duplicates++;
        else lost++;
      }
      duplicates += [...values.keys()].filter((name) => !objects.has(name)).length;
    }
    const { acknowledged, conflicts, errors, longestStallMs } = this;
    return { acknowledged, lost, duplicates, conflicts, errors, longestStallMs: Math.round(longestStallMs) };
  }

  private async write(writer: number, removes: boolean): Promise<void> {
    for (let round = 0; !this.stopped; round++) {
      const model = this.models[(writer + round) % this.models.length] as LoadModel;
      const before = round - this.models.length;
      const [name, earlier] = [`${writer}.${round}`, `${writer}.${before}`];
      await this.one(model, name, 'added', (obj) => this.store.add({ obj }));
      if (before >= 0) {
        const ways = [
          () => this.one(model, earlier, `updated ${round}`, (obj) => this.store.update({ obj })),
          () =>
            this.one(model, earlier, `set ${round}`, ({ name, value }) =>
              this.store.updateOrInstantiate({ model, ids: { name }, attrs: { value } }),
            ),
          () => this.many(model, `${name}-`, (objs) => this.store.addMany({ objs })),
          () => this.read(model, earlier),
          ...(removes ? [() => this.one(model, earlier, null, (obj) => this.store.remove({ obj }))] : []),
        ];
        await ways[Math.floor(round / this.models.length) % ways.length]?.();
      }
      this.progress[writer] = round;
      await setImmediate();
    }
  }

  private async one(
    model: LoadModel,
    name: string,
    value: string | null,
    work: (obj: InstanceType<LoadModel>) => Promise<unknown>,
  ): Promise<void> {
    const objects = this.expected.get(model) as Map<string, Possible>;
    const before = objects.get(name) ?? [null];
    const done = await this.timed(() => work(new model({ name, value: value ?? 'removed' })));
    objects.set(name, done ? [value] : [...before, value]);
  }

  private async many(
    model: LoadModel,
    prefix: string,
    work: (objs: InstanceType<LoadModel>[]) => Promise<unknown>,
  ): Promise<void> {
    const objects = this.expected.get(model) as Map<string, Possible>;
    const objs = Array.from({ length: 20 }, (_, at) => new model({ name: `${prefix}${at}`, value: 'many' }));
    const done = await this.timed(() => work(objs));
    for (const { name } of objs) objects.set(name, done ? ['many'] : [null, 'many']);
  }

  private async read(model: LoadModel, name: string): Promise<void> {
    const possible = this.expected.get(model)?.get(name) ?? [null];
    await this.timed(async () => {
      const [found] = await this.store.find({ model, uids: [name] });
      if (!possible.includes(found?.value ?? null)) this.conflicts++;
    });
  }

  private async timed(work: () => Promise<unknown>): Promise<boolean> {
    const started = performance.now();
    try {
      await work();
      this.acknowledged++;
      return true;
    } catch (error) {
      if (!(error instanceof ObjectStoreException)) throw error;
      if (error instanceof ObjectAlreadyExists || error instanceof ObjectNotFound) this.conflicts++;
      this.errors[error.code] = (this.errors[error.code] ?? 0) + 1;
      return false;
    } finally {
      this.longestStallMs = Math.max(this.longestStallMs, performance.now() - started);
    }
  }
}

/** A store that is written through, and what is written. */
export interface Loaded {
  readonly name: string;
  readonly options: RedisSharedOptions & { shards?: number };
  /** Of this load alone. */
  readonly models: readonly LoadModel[];
  readonly removes?: boolean;
  /** Default: 12. */
  readonly writers?: number;
}

/**
 * Runs `fault` while the writers of each load go through its models, which share a store id, and counts what is left by another
 * store. Prints a line of figures for each.
 * @param fault is given what waits until every writer of every load has come through.
 */
export async function underLoad(
  test: string,
  connect: (options: RedisSharedOptions & { shards?: number }) => Promise<RedisStore>,
  loads: readonly Loaded[],
  fault: (movesOn: () => Promise<void>, storeId: string) => Promise<void>,
): Promise<Outcome[]> {
  const storeId = randomUUID();
  const running = await Promise.all(
    loads.map(async ({ name, options, models, removes = true, writers = WRITERS }) => {
      const store = await connect({ storeId, ...options });
      return { name, store, load: new WriteLoad(store, models, { writers, removes }) };
    }),
  );
  const movesOn = async (): Promise<void> => void (await Promise.all(running.map(({ load }) => load.movesOn())));
  try {
    await movesOn();
    await fault(movesOn, storeId);
    await movesOn();
  } finally {
    await Promise.all(running.map(({ load }) => load.stop()));
    await Promise.all(running.map(({ store }) => store.close()));
  }
  const reader = await connect({ storeId });
  const outcomes: Outcome[] = [];
  for (const { name, load } of running) {
    const outcome = await load.outcome(reader);
    printOutcome(`${test}, ${name}`, outcome);
    outcomes.push(outcome);
  }
  await reader.clear();
  await reader.close();
  return outcomes;
}

function printOutcome(test: string, outcome: Outcome): void {
  const { acknowledged, lost, duplicates, conflicts, errors, longestStallMs } = outcome;
  const failed = Object.entries(errors).map(([code, count]) => `${count} ${code}`);
  process.stderr.write(
    `${test}: ${acknowledged} acknowledged, ${lost} lost, ${duplicates} duplicates, ${conflicts} false conflicts, ` +
      `errors ${failed.join(', ') || 'none'}, longest stall ${longestStallMs} ms\n`,
  );
}
