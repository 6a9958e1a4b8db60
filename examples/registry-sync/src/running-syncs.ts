import { Injectable, Logger } from '@nestjs/common';
import type { RunPhase, SyncRun } from 'nestjs-diffsync';
import { BehaviorSubject } from 'rxjs';
import { SyncJob, type SyncRequest } from './sync.job.js';

/** How far each phase of a run is, in the order in which they began; a total may not be known yet. */
export interface RunState {
  readonly run: string;
  readonly phases: readonly { readonly phase: RunPhase; readonly current: number; readonly total: number | null }[];
}

/** A run that is under way. */
export interface RunningSync {
  /** Completes when the run has ended. */
  readonly state: BehaviorSubject<RunState>;
  /** Resolves to the run as its history has it, however it has ended. */
  readonly ended: Promise<SyncRun>;
}

/** The runs of this process that are under way. They go on without the client that has started them. */
@Injectable()
export class RunningSyncs {
  private readonly logger = new Logger(RunningSyncs.name);
  private readonly running = new Map<string, RunningSync>();

  constructor(private readonly job: SyncJob) {}

  /**
   * Starts a run. @returns the run, once it has begun.
   * @throws what keeps it from beginning: SyncInProgress, where another one is under way.
   */
  start(request: SyncRequest): Promise<SyncRun> {
    return new Promise((resolve, reject) => {
      let state: BehaviorSubject<RunState> | undefined;
      const work = this.job.sync({
        ...request,
        onBegin: (run) => {
          state = new BehaviorSubject<RunState>({ run: run.id, phases: [] });
          this.follow(run.id, state, work);
          resolve(run);
        },
        onProgress: (phase, current, total) => {
          state?.next(advance(state.value, { phase, current, total: total ?? null }));
        },
      });
      work.catch(reject);
    });
  }

  /** @returns undefined for a run that has ended, or is one of another process. */
  get(id: string): RunningSync | undefined {
    return this.running.get(id);
  }

  /** Waits for all that are under way. SyncRunner ends them on SIGTERM; the next run goes on. */
  async ended(): Promise<void> {
    await Promise.all([...this.running.values()].map(({ ended }) => ended));
  }

  private follow(id: string, state: BehaviorSubject<RunState>, work: Promise<SyncRun>): void {
    // The error of a run that has begun has it.
    const ended = work.catch((error: Error & { readonly run: SyncRun }) => {
      this.logger.warn(`The run ${id} was ${error.run.outcome}: ${error.message}`);
      return error.run;
    });
    this.running.set(id, { state, ended });
    void ended.then(() => {
      this.running.delete(id);
      state.complete();
    });
  }
}

function advance({ run, phases }: RunState, now: RunState['phases'][number]): RunState {
  const known = phases.findIndex(({ phase }) => phase === now.phase);
  return { run, phases: known === -1 ? [...phases, now] : phases.with(known, now) };
}
