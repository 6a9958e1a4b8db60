import { Injectable } from '@nestjs/common';
import { DiffSyncStoreHealthIndicator, type Diff, type DiffElement, type StoreHealth } from 'nestjs-diffsync';
import { MirroredRegistry, PublishedRegistry, type RegistryAdapter } from './registry.adapters.js';

const ACTIONS = ['create', 'update', 'delete', 'no-change'] as const;
const EXAMPLES = 3;

export type Counts = Readonly<Record<(typeof ACTIONS)[number], number>>;

export interface RunResult {
  readonly engine: string;
  readonly source: string;
  readonly target: string;
  readonly diff: Counts;
  readonly afterSync: Counts;
  readonly health: StoreHealth<'store'>;
  readonly seconds: { readonly load: number; readonly diff: number; readonly sync: number };
  /** Objects that an earlier run had left in the mirrored registry's store. */
  readonly found: number;
  /** A few elements of the first diff for each action. */
  readonly examples: readonly DiffElement[];
}

/** Told how far each piece of work is; the pieces come one after the other, and each ends at its total. */
export type ProgressListener = (work: string, current: number, total: number) => void;

/**
 * Brings the mirrored registry up to date with the published one, which is loaded anew. What an earlier run has left of the
 * mirrored one in a store that lasts is gone on with.
 */
@Injectable()
export class SyncJob {
  constructor(
    private readonly published: PublishedRegistry,
    private readonly mirrored: MirroredRegistry,
    private readonly health: DiffSyncStoreHealthIndicator,
  ) {}

  async run(listener: ProgressListener): Promise<RunResult> {
    const { published, mirrored } = this;
    const found = await mirrored.store.count();

    const load = await timed(() => this.load(found === 0 ? [published, mirrored] : [published], listener));
    const diff = await timed(() => mirrored.diffFrom(published, { onProgress: listener }));
    const sync = await timed(() => mirrored.syncFrom(published, { diff: diff.result, onProgress: listener }));
    const check = await mirrored.diffFrom(published, {
      onProgress: (_, current, total) => listener('second diff', current, total),
    });

    return {
      engine: mirrored.store.engine,
      source: published.name,
      target: mirrored.name,
      diff: countsOf(diff.result),
      afterSync: countsOf(check),
      health: await this.health.isHealthy(),
      seconds: { load: load.seconds, diff: diff.seconds, sync: sync.seconds },
      found,
      examples: examplesOf(diff.result),
    };
  }

  private async load(adapters: readonly RegistryAdapter[], listener: ProgressListener): Promise<void> {
    for (const adapter of adapters) {
      await adapter.store.clear();
      adapter.onLoad = (loaded, total) => listener(`load ${adapter.store.name}`, loaded, total);
      await adapter.load();
    }
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const started = performance.now();
  const result = await work();
  return { result, seconds: Math.round(performance.now() - started) / 1000 };
}

function countsOf(diff: Diff): Counts {
  const summary = diff.summary();
  return Object.fromEntries(ACTIONS.map((action) => [action, summary[action]])) as Counts;
}

function examplesOf(diff: Diff): DiffElement[] {
  const elements = diff.getChildren();
  return ACTIONS.flatMap((action) => elements.filter((element) => element.action === action).slice(0, EXAMPLES));
}
