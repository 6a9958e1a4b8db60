import { traced } from '../logging/channels.js';
import { whileOpen } from '../store/engine-access.js';
import { exclusiveOptions, holdTarget } from './exclusive.js';
import { ResolvedGuards } from './guard-limits.js';
import { RunDraft } from './run-draft.js';
import { RunExecution } from './run-execution.js';
import { runChannel, type RunTrace } from './run-trace.js';
import type { RunWork } from './run-work.js';
import type { SyncRun } from './sync-run.js';

/**
 * Performs a run while it holds its target.
 * @returns the run, as its history has it.
 * @throws what ends it; once it has begun, with the run.
 */
export async function performRun(work: RunWork): Promise<SyncRun> {
  const { source, target, kind, of, id, part, label, by, onProgress, signal = new AbortController().signal } = work;
  const models = new Set([...source.modelClasses.keys(), ...target.modelClasses.keys()]);
  const guards = work.guards === false ? undefined : new ResolvedGuards(work.guards ?? {}, models);
  const exclusive = exclusiveOptions(work.exclusive);
  const draft = new RunDraft({ kind, source: source.name, target: target.name, label, by, of, id, part, onProgress });
  const perform = (): Promise<SyncRun> =>
    holdTarget(target.store, { id: draft.id, by }, exclusive, signal, (scope, held) =>
      // A store that is closed ends the run, and waits until it is recorded.
      whileOpen(target.store, held, (open) => new RunExecution(work, draft, guards, exclusive).perform(scope, open)),
    );
  if (!runChannel.hasSubscribers) return perform();
  const trace: RunTrace = { id: draft.id, kind, label, source: source.name, target: target.name };
  return traced(runChannel, trace, async () => {
    try {
      return await perform();
    } finally {
      if (draft.hasEnded) trace.run = draft.toRun();
    }
  });
}
