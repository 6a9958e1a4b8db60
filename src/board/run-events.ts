import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Injectable, type BeforeApplicationShutdown, type MessageEvent } from '@nestjs/common';
import {
  concat,
  defer,
  distinctUntilChanged,
  map,
  repeat,
  Subject,
  takeUntil,
  takeWhile,
  throttleTime,
  type Observable,
} from 'rxjs';
import { SyncRunner, type SyncRun } from '../index.js';
import type { RunProgress } from './board-api.js';
import { Catalog } from './catalog.js';
import { RunViews } from './run-views.js';
import { RunWatch } from './run-watch.js';

/** A client gets the newest state, at most so often. */
const EVENT_MS = 200;
/** How often the history is asked about a run of another process. */
const POLL_MS = 1000;
/** How long a shutdown waits for the ends of runs, as that of the runner does. */
const SHUTDOWN_MS = 10_000;

/** What those get who watch a run: its state now, each later one, and the run when it has ended. */
@Injectable()
export class RunEvents implements BeforeApplicationShutdown {
  private readonly shutdown = new Subject<void>();
  private readonly open = new Set<ServerResponse>();

  constructor(
    private readonly catalog: Catalog,
    private readonly runner: SyncRunner,
    private readonly views: RunViews,
    private readonly watch: RunWatch,
  ) {}

  /**
   * @param response - That of the client, for the end of the application.
   * @throws RunNotFound, AdapterNotFound, before any event.
   */
  async of(target: string, id: string, response: ServerResponse): Promise<Observable<MessageEvent>> {
    const history = this.runner.history(this.catalog.adapter(target));
    await history.get(id);
    const ended = defer(() => history.get(id)).pipe(map((run) => this.ended(run)));
    const state = this.watch.of(id);
    if (state === undefined) return this.ofHistory(() => history.get(id));
    const states = state.pipe(throttleTime(EVENT_MS, undefined, { leading: true, trailing: true }), map(progressEvent));
    this.note(response);
    return concat(states, ended);
  }

  /** The runs of this process end with the application, and the streams of them with the runs; all others are ended here. */
  async beforeApplicationShutdown(): Promise<void> {
    this.shutdown.next();
    const signal = AbortSignal.timeout(SHUTDOWN_MS);
    await Promise.allSettled([...this.open].map((response) => once(response, 'close', { signal })));
  }

  /** Notes that a stream is open until all of it was sent, or its client has gone. */
  private note(response: ServerResponse): void {
    this.open.add(response);
    response.once('close', () => this.open.delete(response));
  }

  /** Of a run that another process has under way the history has the phases, and knows when it has ended. */
  private ofHistory(read: () => Promise<SyncRun>): Observable<MessageEvent> {
    return defer(read).pipe(
      repeat({ delay: POLL_MS }),
      takeWhile(({ outcome }) => outcome === 'running', true),
      map((run) => (run.outcome === 'running' ? progressEvent(progressOf(run)) : this.ended(run))),
      distinctUntilChanged((a, b) => JSON.stringify(a) === JSON.stringify(b)),
      takeUntil(this.shutdown),
    );
  }

  private ended(run: SyncRun): MessageEvent {
    return { type: 'ended', data: this.views.view(run) };
  }
}

function progressEvent(data: RunProgress): MessageEvent {
  return { type: 'progress', data };
}

function progressOf({ id, phases }: SyncRun): RunProgress {
  return { run: id, phases: phases.map((phase) => ({ ...phase, current: null, total: null })) };
}
