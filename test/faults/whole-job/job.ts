/** Load, diff, sync, second diff and verify of two stores in Redis, while something happens in one of these stages. */
import { DiffSyncError, type DiffSyncModel } from '../../../src/index.js';
import { SILENT_LOGGER } from '../../../src/logging/logger.js';
import type { RedisStore } from '../../../src/store/redis/index.js';
import { Device, Interface, Inventory, Site } from '../../fixtures/inventory.js';

/** Sites, devices of each, interfaces of each of those. */
export type Size = readonly [sites: number, devices: number, interfaces: number];

export const STAGES = ['load', 'diff', 'sync', 'check'] as const;
/** `check` is the second diff, and `verify` of both stores. */
export type Stage = (typeof STAGES)[number];

/** What a fault knows of the stage that it happens in. */
interface Running {
  /** Resolves when the stage has got on since the call, or has failed. */
  movesOn(): Promise<void>;
}

/** Makes a fault; resolves when it is over, or the store has to do with what it has left. */
export type Strike = (running: Running) => Promise<void>;

const OPTIONS = { unlisted: 'delete' } as const;
const CHUNK = 1000;

/** The objects of one side. A twentieth of the objects is new, as many are gone or changed, and a tenth of the devices has moved. */
function inventory([sites, devices, interfaces]: Size, isSource: boolean): DiffSyncModel[] {
  const all = Array.from({ length: sites }, (_, at) => new Site({ name: `s${at}`, region: `r${at % 3}` }));
  const isThere = (at: number): boolean => at % 20 !== (isSource ? 2 : 0);
  const isChanged = (at: number): boolean => isSource && at % 20 === 1;
  const below = all.flatMap((_site, s) =>
    Array.from({ length: devices }, (_device, d) => s * devices + d)
      .filter(isThere)
      .flatMap((at) => {
        const ports = Array.from({ length: interfaces }, (_port, p) => at * interfaces + p)
          .filter(isThere)
          .map((p) => new Interface({ name: `i${p}`, mtu: isChanged(p) ? 9000 : 1500 }));
        const role = isChanged(at) ? 'spine' : 'leaf';
        const device = new Device({ name: `d${at}`, role, interfaces: ports.map(({ name }) => name) });
        (all[isSource && at % 10 === 5 ? (s + 1) % sites : s] as Site).devices.push(device.name);
        return [device, ...ports];
      }),
  );
  return [...all, ...below];
}

/** An object as text, whatever the order of its children. */
function textOf(obj: DiffSyncModel): string {
  const fields = Object.entries(obj.toDict()).map(([key, value]) => [
    key,
    Array.isArray(value) ? value.map(String).toSorted() : value,
  ]);
  return `${obj.getType()} ${JSON.stringify(Object.fromEntries(fields.toSorted(([a], [b]) => String(a).localeCompare(String(b)))))}`;
}

/** Does work until the replicas confirm it: those of a busy machine may take longer than `durability` waits. */
async function confirmed(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if ((error as Partial<DiffSyncError>).code !== 'STORE_NOT_REPLICATED' || attempt === 20) throw error;
    }
  }
}

/** The fault could not be made, such as a server that does not start again: this says nothing of the job. */
export class FaultNotMade extends Error {
  constructor(cause: unknown) {
    super(`the fault could not be made: ${String(cause)}`, { cause });
  }
}

/** One job: what its two stores hold at first and are to hold in the end is known without them. */
export class Job {
  private readonly wanted: readonly DiffSyncModel[];
  private readonly before: readonly DiffSyncModel[];
  private readonly source: Inventory;
  private readonly target: Inventory;
  private syncBegan = false;

  constructor(
    private readonly stores: { readonly source: RedisStore; readonly target: RedisStore },
    size: Size,
  ) {
    this.wanted = inventory(size, true);
    this.before = inventory(size, false);
    this.source = new Inventory({ name: 'source', store: stores.source, logger: SILENT_LOGGER });
    this.target = new Inventory({ name: 'target', store: stores.target, logger: SILENT_LOGGER });
  }

  /**
   * Does the job while the fault happens in one of its stages, and once more, with healed servers, where it has failed or was not right.
   * @returns why it was done once more; '' where it was right at once.
   * @throws when it is not right then either, or with an error that is not one of the package.
   */
  async run(struck: Stage, strike: Strike, heal: () => Promise<void>): Promise<string> {
    let why: string;
    try {
      for (const stage of STAGES) await (stage === struck ? this.while(strike, stage) : this.stage(stage, () => {}));
      why = await this.fault();
    } catch (error) {
      if (!(error instanceof DiffSyncError)) throw error;
      why = `${error.code}: ${error.message}`;
    }
    if (why === '') return '';
    await heal();
    for (const stage of STAGES) await confirmed(() => this.stage(stage, () => {}));
    const still = await this.fault();
    if (still !== '') throw new Error(`first ${why}; and done once more ${still}`);
    return why;
  }

  /** Does a stage, and again, until the fault that happens in it is over. */
  private async while(strike: Strike, stage: Stage): Promise<void> {
    const state = { over: false, struck: false };
    let waiting: (() => void)[] = [];
    const progress = (): void => {
      for (const resolve of waiting.splice(0)) resolve();
    };
    const movesOn = (): Promise<void> =>
      state.over ? Promise.resolve() : new Promise((resolve) => (waiting = [...waiting, resolve]));
    const begun = movesOn();
    const striking = begun
      .then(() => strike({ movesOn }))
      .finally(() => {
        state.struck = true;
      });
    const work = async (): Promise<void> => {
      try {
        do await this.stage(stage, progress);
        while (!state.struck);
      } finally {
        state.over = true;
        progress();
      }
    };
    const [struckWell, done] = await Promise.allSettled([striking, work()]);
    if (struckWell.status === 'rejected') throw new FaultNotMade(struckWell.reason);
    if (done.status === 'rejected') throw done.reason;
  }

  private async stage(stage: Stage, progress: () => void): Promise<void> {
    if (stage === 'load') {
      const sides: [Inventory, readonly DiffSyncModel[]][] = [[this.source, this.wanted]];
      if (!this.syncBegan) sides.push([this.target, this.before]);
      const load = async ([adapter, objs]: (typeof sides)[number]): Promise<void> => {
        for (let at = 0; at < objs.length; at += CHUNK) {
          await adapter.addMany(objs.slice(at, at + CHUNK));
          progress();
        }
      };
      for (const side of await Promise.allSettled(sides.map(load))) if (side.status === 'rejected') throw side.reason;
    } else if (stage === 'diff') {
      await this.target.diffFrom(this.source, { ...OPTIONS, onProgress: progress });
    } else if (stage === 'sync') {
      this.syncBegan = true;
      await this.target.syncFrom(this.source, { ...OPTIONS, onProgress: progress });
    } else {
      await this.target.diffFrom(this.source, { ...OPTIONS, onProgress: progress });
      for (const store of Object.values(this.stores)) await store.verify();
    }
  }

  /** What is not as it must be in the end; '' where all is. */
  private async fault(): Promise<string> {
    const diff = await this.target.diffFrom(this.source, OPTIONS);
    if (diff.hasDiffs()) return `the second diff has ${JSON.stringify(diff.summary())}`;
    const wanted = this.wanted.map(textOf).toSorted();
    for (const [side, adapter] of Object.entries({ source: this.source, target: this.target })) {
      const { clean, counts } = await this.stores[side as 'source' | 'target'].verify();
      if (!clean) return `verify of the ${side} finds ${JSON.stringify(counts)}`;
      const all = await Promise.all([Site, Device, Interface].map((model) => adapter.getAll(model)));
      const there = all.flat().map(textOf).toSorted();
      const other = there.findIndex((text, at) => text !== wanted[at]);
      if (there.length !== wanted.length || other !== -1)
        return `the ${side} has ${there.length} of ${wanted.length} objects, first other one ${there[other]}`;
    }
    return '';
  }
}
