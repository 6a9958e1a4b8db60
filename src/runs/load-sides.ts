import type { Adapter } from '../adapter/adapter.js';
import { incompleteOf, watchLoad } from '../adapter/load-watch.js';
import { reloadStore } from '../adapter/reload-store.js';
import type { ReloadReview } from '../engine/reload.js';
import { runAlone } from '../engine/target-lock.js';
import { SyncAborted } from '../errors.js';
import { countByModel } from '../store/engine-access.js';
import type { RunDraft } from './run-draft.js';
import type { RunLoad } from './run-load.js';

export type SideOfRun = 'source' | 'target';

/** How the sides of a run are loaded. */
export interface LoadSides {
  readonly source: Adapter;
  readonly target: Adapter;
  readonly load: RunLoad;
  /** How long to wait for a reload of a side by another run. */
  readonly waitMs: number;
  /** Looks at a side that is reloaded, before anything is written. */
  review(side: SideOfRun): ReloadReview;
}

/**
 * Loads the sides of a run side by side. One that fails ends the other, and waits for it: else that load would still be adding
 * objects when the next run begins.
 * @throws what the first one has failed with; SyncAborted if the signal is aborted.
 */
export async function loadSides(draft: RunDraft, sides: LoadSides, signal: AbortSignal): Promise<void> {
  const { load } = sides;
  const wanted = (['source', 'target'] as const).filter((side) => load === 'both' || load === side);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  let first: { readonly error: unknown } | undefined;
  const gate = new Gate(wanted.length);
  const loading = wanted.map(async (side) => {
    try {
      await draft.phase(`load-${side}`, () => loadSide(draft, sides, side, gate, { caller: signal, either }));
    } catch (error) {
      first ??= { error };
      failed.abort(error);
    }
  });
  await Promise.all(loading);
  if (signal.aborted) throw new SyncAborted('The run was aborted by its signal', { cause: signal.reason });
  if (first !== undefined) throw first.error;
  for (const side of ['source', 'target'] as const) {
    for (const [model, reason] of incompleteOf(sides[side])) draft.incomplete.push({ side, model, reason });
  }
}

async function loadSide(
  draft: RunDraft,
  sides: LoadSides,
  side: SideOfRun,
  gate: Gate,
  { caller, either: signal }: Readonly<Record<'caller' | 'either', AbortSignal>>,
): Promise<void> {
  const adapter = sides[side];
  const { waitMs } = sides;
  const progress = (done: number, total: number | undefined): void => draft.report(`load-${side}`, done, total);
  const load = (): Promise<void> =>
    endedBy(caller, async () => void (await watchLoad(adapter, { signal, progress }, () => adapter.load())));
  const counts = await countByModel(adapter.store, signal);
  if ([...counts.values()].every((count) => count === 0)) {
    await runAlone(adapter.store, `load of ${adapter.name}`, { waitMs, signal, tracked: false }, load);
    gate.arrive();
  } else {
    const check = sides.review(side);
    const review: ReloadReview = async (models) => {
      const kept = await check(models);
      // What one side has is replaced only once the other one is read in full, and neither is refused.
      gate.arrive();
      await endedBy(signal, () => gate.open);
      return kept;
    };
    await reloadStore(adapter, load, { review, waitMs, signal });
  }
}

/** Opens when all have arrived. */
class Gate {
  readonly open: Promise<void>;
  private resolve = (): void => undefined;

  constructor(private missing: number) {
    this.open = new Promise((resolve) => (this.resolve = resolve));
  }

  arrive(): void {
    if (--this.missing === 0) this.resolve();
  }
}

/** Waits for work no longer than until the signal is aborted: a `load` may not look at the caller's. */
export async function endedBy<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const reason = (): SyncAborted => new SyncAborted('The load was ended by the run', { cause: signal.reason });
  if (signal.aborted) throw reason();
  return new Promise<T>((resolve, reject) => {
    const end = (): void => reject(reason());
    signal.addEventListener('abort', end, { once: true });
    work()
      .finally(() => signal.removeEventListener('abort', end))
      .then(resolve, reject);
  });
}
