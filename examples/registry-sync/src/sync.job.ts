import { Injectable } from '@nestjs/common';
import {
  DiffSyncStoreHealthIndicator,
  SyncRunner,
  type Diff,
  type RunChange,
  type RunPhase,
  type StoreHealth,
  type SyncRun,
} from 'nestjs-diffsync';
import { MirroredRegistry, PublishedRegistry } from './registry.adapters.js';
import { runOptions } from './run-options.js';

const ACTIONS = ['create', 'update', 'delete', 'no-change'] as const;
const EXAMPLES = 3;

export type Counts = Readonly<Record<(typeof ACTIONS)[number], number>>;

export interface RunResult {
  readonly engine: string;
  /** The run, as its history has it. */
  readonly run: SyncRun;
  readonly diff: Counts;
  readonly afterSync: Counts;
  readonly health: StoreHealth<'store'>;
  readonly seconds: { readonly load: number; readonly diff: number; readonly sync: number };
  /** Objects that an earlier run had left in the mirrored registry's store. */
  readonly found: number;
  /** A few changes of the run for each action. */
  readonly examples: readonly RunChange[];
}

/** Told how far each piece of work is; a total may not be known yet. */
export type ProgressListener = (work: string, current: number, total: number | undefined) => void;

/** Brings the mirrored registry up to date with the published one. */
@Injectable()
export class SyncJob {
  constructor(
    private readonly published: PublishedRegistry,
    private readonly mirrored: MirroredRegistry,
    private readonly syncs: SyncRunner,
    private readonly health: DiffSyncStoreHealthIndicator,
  ) {}

  async run(listener: ProgressListener): Promise<RunResult> {
    const { published: source, mirrored: target } = this;
    const found = await target.store.count();
    const options = await runOptions({ source, target });
    const run = await this.syncs.run({ ...options, source, target, label: 'npm start', onProgress: listener });
    const check = await target.diffFrom(source, {
      onProgress: (_, current, total) => listener('second diff', current, total),
    });
    return {
      engine: target.store.engine,
      run,
      diff: countsOf(run.counts),
      afterSync: countsOf(check.summary()),
      health: await this.health.isHealthy(),
      seconds: {
        load: secondsOf(run, ['load-source', 'load-target']),
        diff: secondsOf(run, ['compare']),
        sync: secondsOf(run, ['apply']),
      },
      found,
      examples: await this.examplesOf(run),
    };
  }

  private async examplesOf(run: SyncRun): Promise<RunChange[]> {
    const history = this.syncs.history(this.mirrored);
    const examples: RunChange[] = [];
    for (const action of ['create', 'update', 'delete'] as const) {
      let found = 0;
      for await (const change of history.changes(run.id, { actions: [action] })) {
        examples.push(change);
        if (++found === EXAMPLES) break;
      }
    }
    return examples;
  }
}

/** From the begin of the first of these phases to the end of the last. */
function secondsOf({ phases }: SyncRun, names: readonly RunPhase[]): number {
  const times = phases.filter(({ phase }) => names.includes(phase));
  const begin = Math.min(...times.map(({ startMs }) => startMs));
  const end = Math.max(...times.map(({ endMs = 0 }) => endMs));
  return Math.round(end - begin) / 1000;
}

function countsOf(summary: ReturnType<Diff['summary']> | undefined): Counts {
  return Object.fromEntries(ACTIONS.map((action) => [action, summary?.[action] ?? 0])) as Counts;
}
