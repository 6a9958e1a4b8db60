import { RunLogger } from '../engine/run-logger.js';
import type { CallbackFailures } from '../engine/callback-failures.js';
import { LOGGER } from '../engine/side.js';
import { DiffSyncFlags } from '../flags.js';
import { withoutUndefined } from '../values/without-undefined.js';
import type { RunWork } from './run-work.js';
import type { SyncRun } from './sync-run.js';

/** What the log of a run's target has of the run: a line when it begins, and one when it has ended. */
export class RunLog {
  private readonly logger: RunLogger;

  /** @param failures - what the logger throws: the run goes on. */
  constructor({ source, target, sync }: RunWork, failures: CallbackFailures) {
    const { flags = DiffSyncFlags.NONE } = sync;
    this.logger = new RunLogger(target[LOGGER], { source: source.name, target: target.name, flags }, failures);
  }

  begun({ id, kind, label, by, of }: SyncRun): void {
    this.logger.info('Run begun', { run: id, kind, ...withoutUndefined({ label, by, of }) });
  }

  ended({ id, kind, outcome, startedAt, endedAt, counts, results, error }: SyncRun): void {
    const durationMs = endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(startedAt);
    const failure = { code: error?.code, reason: error?.message };
    this.logger.info('Run ended', {
      run: id,
      kind,
      outcome,
      ...withoutUndefined({ counts, results, ...failure, durationMs }),
    });
  }
}
