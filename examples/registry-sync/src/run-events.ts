import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Injectable, type BeforeApplicationShutdown, type MessageEvent } from '@nestjs/common';
import { SyncRunner, type SyncRun } from 'nestjs-diffsync';
import {
  concat,
  defer,
  filter,
  from,
  map,
  repeat,
  Subject,
  take,
  takeUntil,
  throttleTime,
  type Observable,
} from 'rxjs';
import { MirroredRegistry } from './registry.adapters.js';
import { RunningSyncs, type RunningSync } from './running-syncs.js';

/** A client gets the newest state, at most so often. */
const EVENT_MS = 100;
/** How often the history is asked about a run of another process. */
const POLL_MS = 1000;
/** How long a client has to take its last events before Nest closes its connection. */
const FAREWELL_MS = 1000;

/** What the clients that watch a run get: its state now, each later one, and the run when it has ended. */
@Injectable()
export class RunEvents implements BeforeApplicationShutdown {
  private readonly clients = new Set<ServerResponse>();
  private readonly shutdown = new Subject<void>();

  constructor(
    private readonly running: RunningSyncs,
    private readonly syncs: SyncRunner,
    private readonly mirrored: MirroredRegistry,
  ) {}

  /** @throws RunNotFound, before any event. */
  async of(id: string, client: ServerResponse): Promise<Observable<MessageEvent>> {
    const sync = this.running.get(id);
    const events = sync === undefined ? await this.ofOther(id) : this.ofRunning(sync);
    this.clients.add(client);
    client.once('close', () => this.clients.delete(client));
    return events;
  }

  /** The runs end with the application, and the streams of their clients with the runs. */
  async beforeApplicationShutdown(): Promise<void> {
    this.shutdown.next();
    await this.running.ended();
    const signal = AbortSignal.timeout(FAREWELL_MS);
    await Promise.allSettled([...this.clients].map((client) => once(client, 'close', { signal })));
  }

  private ofRunning({ state, ended }: RunningSync): Observable<MessageEvent> {
    const states = state.pipe(throttleTime(EVENT_MS, undefined, { leading: true, trailing: true }));
    return concat(
      states.pipe(map((data): MessageEvent => ({ type: 'progress', data }))),
      from(ended).pipe(map(endEvent)),
    );
  }

  /** Of a run that has ended, or that another process has under way, the history knows no more than its end. */
  private async ofOther(id: string): Promise<Observable<MessageEvent>> {
    const history = this.syncs.history(this.mirrored);
    await history.get(id);
    return defer(() => history.get(id)).pipe(
      repeat({ delay: POLL_MS }),
      filter(({ outcome }) => outcome !== 'running'),
      take(1),
      map(endEvent),
      takeUntil(this.shutdown),
    );
  }
}

function endEvent(run: SyncRun): MessageEvent {
  return { type: 'ended', data: run };
}
