import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { BehaviorSubject } from 'rxjs';
import { phaseChannel, runChannel, type PhaseTrace, type RunPhase, type RunTrace } from '../index.js';
import type { RunProgress } from './board-api.js';

type Progress = RunProgress['phases'][number];

/** How far the runs of this process are, also those that the board has not started: the tracing channels say it. */
@Injectable()
export class RunWatch implements OnModuleInit, OnApplicationShutdown {
  private readonly runs = new Map<string, { readonly began: number; readonly state: BehaviorSubject<RunProgress> }>();

  /** Completes when the run has ended, and is recorded. Undefined for a run that has, or is one of another process. */
  of(run: string): BehaviorSubject<RunProgress> | undefined {
    return this.runs.get(run)?.state;
  }

  /** Notes how far a phase is. */
  report(run: string, phase: RunPhase, current: number, total: number | undefined): void {
    this.change(run, phase, (known) => ({ ...known, current, total: total ?? null }));
  }

  onModuleInit(): void {
    runChannel.subscribe(this.runSubscriber);
    phaseChannel.subscribe(this.phaseSubscriber);
  }

  /** The runs have ended by then, also those that the shutdown has ended. */
  onApplicationShutdown(): void {
    runChannel.unsubscribe(this.runSubscriber);
    phaseChannel.unsubscribe(this.phaseSubscriber);
    for (const { state } of this.runs.values()) state.complete();
    this.runs.clear();
  }

  private readonly runSubscriber = {
    start: (message: unknown): void => {
      const { id } = message as RunTrace;
      this.runs.set(id, { began: Date.now(), state: new BehaviorSubject<RunProgress>({ run: id, phases: [] }) });
    },
    end: ignore,
    asyncStart: ignore,
    asyncEnd: (message: unknown): void => {
      const { id } = message as RunTrace;
      const ended = this.runs.get(id);
      this.runs.delete(id);
      ended?.state.complete();
    },
    error: ignore,
  };

  private readonly phaseSubscriber = {
    start: (message: unknown): void => {
      const { id, phase } = message as PhaseTrace;
      const began = this.runs.get(id)?.began ?? Date.now();
      this.change(id, phase, (known) => ({ ...known, startMs: Date.now() - began }));
    },
    end: ignore,
    asyncStart: ignore,
    asyncEnd: (message: unknown): void => {
      const { id, phase } = message as PhaseTrace;
      const began = this.runs.get(id)?.began ?? Date.now();
      this.change(id, phase, (known) => ({ ...known, endMs: Date.now() - began }));
    },
    error: ignore,
  };

  private change(run: string, phase: RunPhase, next: (known: Progress) => Progress): void {
    const state = this.runs.get(run)?.state;
    if (state === undefined) return;
    const { phases } = state.value;
    const at = phases.findIndex((each) => each.phase === phase);
    const known = phases[at] ?? { phase, startMs: 0, current: null, total: null };
    state.next({ run, phases: at === -1 ? [...phases, next(known)] : phases.with(at, next(known)) });
  }
}

function ignore(): void {}
