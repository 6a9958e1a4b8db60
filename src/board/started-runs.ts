import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { DiffStale, type RunOptions, type SyncRun } from '../index.js';
import type { StaleList } from './board-api.js';
import { STALE_SHOWN } from './board-errors.js';
import { RunWatch } from './run-watch.js';

/** How long a request that may meet a stale plan waits for the end of its run; then it is answered while the run goes on. */
const ANSWER_MS = 2000;
/** Of so many runs it is kept what was stale. */
const STALE_KEPT = 100;

/** Does the work of a run; it has to pass on the callbacks. */
export type RunWork = (callbacks: Required<Pick<RunOptions, 'onBegin' | 'onProgress'>>) => Promise<SyncRun>;

/** The runs that were started from the board: they go on without the request. */
@Injectable()
export class StartedRuns {
  private readonly logger = new Logger('DiffSyncBoard');
  private readonly stale = new Map<string, StaleList>();

  constructor(private readonly watch: RunWatch) {}

  /**
   * Starts a run. @returns the run once it has begun.
   * @throws what keeps it from beginning: SyncInProgress, where another one has the target.
   */
  async start(work: RunWork): Promise<SyncRun> {
    return (await this.begin(work)).run;
  }

  /**
   * Starts a run that may find its plan stale. @returns the run: as it has ended, if it ends soon.
   * @throws what keeps it from beginning, and what it soon ends with: DiffStale, SyncRefused.
   */
  async attempt(work: RunWork): Promise<SyncRun> {
    const { run, ended } = await this.begin(work);
    const over = new AbortController();
    const wait = sleep(ANSWER_MS, run, { signal: over.signal, ref: false }).catch(() => run);
    try {
      return await Promise.race([ended, wait]);
    } finally {
      over.abort();
    }
  }

  /** Returns what was stale of the plan of a run that was refused for that. */
  staleOf(run: string): StaleList | null {
    return this.stale.get(run) ?? null;
  }

  private begin(work: RunWork): Promise<{ readonly run: SyncRun; readonly ended: Promise<SyncRun> }> {
    return new Promise((resolve, reject) => {
      let id: string | undefined;
      const ended = work({
        onBegin: (run) => {
          id = run.id;
          resolve({ run, ended });
        },
        onProgress: (phase, current, total) => {
          if (id !== undefined) this.watch.report(id, phase, current, total);
        },
      });
      ended.catch((error: unknown) => {
        if (id !== undefined) this.note(id, error);
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
  }

  /** The run has its error; what else was stale is kept here. */
  private note(run: string, error: unknown): void {
    this.logger.warn(`The run ${run} has ended: ${error instanceof Error ? error.message : String(error)}`);
    if (!(error instanceof DiffStale)) return;
    const { stale = [] } = error;
    this.stale.set(run, { changes: stale.slice(0, STALE_SHOWN), count: stale.length });
    const [oldest] = this.stale.keys();
    if (this.stale.size > STALE_KEPT && oldest !== undefined) this.stale.delete(oldest);
  }
}
