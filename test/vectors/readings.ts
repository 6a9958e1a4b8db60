import { isDeepStrictEqual } from 'node:util';
import type { ByModel, ProgressEvent, SyncCase, SyncFacts } from './recorded-cases.js';

/**
 * Two recorded facts have another form in ours, in every case, by a decision of the issue. So they are read by a rule
 * that is the same for all cases, and compared exactly after that; `vectors.spec.ts` counts the cases in which a rule
 * matters.
 * - Progress (decision 3: its last event reaches its total). Ours are the recorded events; where a stage that did not
 *   fail stops short of its total, one more follows, which reaches it.
 * - Statuses (decision 4: unchanged objects keep theirs; a sync's are on its diff's elements). Compared is what was
 *   attempted with an object, which the recorded log lines tell too: status and message, null for nothing attempted.
 *   The reference overwrites the status of an object it merely looks at, and leaves it so when its hook refuses.
 */
export function readSync(expected: SyncFacts): SyncFacts {
  return readStatuses(readProgress(expected));
}

/** Whether reading a case changes what is expected of it. */
export function readingMatters({ expected }: SyncCase): { progress: boolean; statuses: boolean } {
  return {
    progress: !isDeepStrictEqual(readProgress(expected), expected),
    statuses: Object.entries(expected.sync.targetStatus ?? {}).some(([model, objects]) =>
      Object.entries(objects).some(([uid, recorded]) => {
        const attempt = attempted(expected, model, uid);
        return attempt !== null && !isDeepStrictEqual(attempt, recorded);
      }),
    ),
  };
}

function readProgress(expected: SyncFacts): SyncFacts {
  const { diff, progressDiff, progressDiffTail, sync } = expected;
  const models = /will involve (\d+) models/.exec(sync.logs?.[0]?.event ?? '')?.[1];
  const closedDiff =
    diff.error === null ? close('diff', progressDiff, progressDiffTail, Number(models ?? 0)) : undefined;
  const elements = sync.error === null ? (diff.len ?? 0) : 0;
  const closedSync = closeRuns(sync, closedDiff !== undefined && models !== undefined ? Number(models) : 0, elements);
  return {
    ...expected,
    ...(closedDiff === undefined ? {} : { progressDiff: closedDiff.events, progressDiffTail: closedDiff.tail }),
    sync:
      sync.progress === null
        ? { ...sync, progressTail: closedTail(expected) }
        : { ...sync, progress: closedSync, progressTail: [closedSync.length, closedSync.at(-1) ?? null] },
  };
}

/** A sync's events: those of its own diff, if it made one, and then those of each time the diff was applied. */
function closeRuns({ progress, error }: SyncFacts['sync'], models: number, elements: number): readonly ProgressEvent[] {
  const runs: ProgressEvent[][] = [];
  for (const event of progress ?? []) {
    const run = runs.at(-1);
    const [stage, current] = run?.at(-1) ?? [];
    if (run !== undefined && stage === event[0] && event[1] > (current ?? 0)) run.push(event);
    else runs.push([event]);
  }
  if (models > 0 && runs[0]?.[0]?.[0] !== 'diff') runs.unshift([['diff', models, models]]);
  if (elements > 0 && runs.at(-1)?.[0]?.[0] !== 'sync') runs.push([['sync', elements, elements]]);
  return runs.flatMap((run, index) => {
    const [stage, current, total] = run.at(-1) as ProgressEvent;
    const failed = error !== null && index === runs.length - 1 && stage === 'sync';
    return failed || current >= total ? run : [...run, [stage, total, total] as const];
  });
}

function close(
  stage: string,
  events: readonly ProgressEvent[] | null,
  [count, last]: SyncFacts['progressDiffTail'],
  total: number,
): { events: readonly ProgressEvent[] | null; tail: SyncFacts['progressDiffTail'] } {
  const final: ProgressEvent = last === null ? [stage, total, total] : [stage, last[2], last[2]];
  if (final[2] === 0 || (last !== null && last[1] >= last[2])) return { events, tail: [count, last] };
  return { events: events === null ? null : [...events, final], tail: [count + 1, final] };
}

/** Of a sync with too many events to be recorded each; its diff's are those of the diff before. */
function closedTail({ progressDiffTail, sync }: SyncFacts): SyncFacts['progressDiffTail'] {
  const closedDiff = close('diff', null, progressDiffTail, 0).tail;
  const [count, last] = sync.progressTail;
  const closed = close('sync', null, [count, last], 0).tail;
  return [closed[0] + closedDiff[0] - progressDiffTail[0], closed[1]];
}

function readStatuses(expected: SyncFacts): SyncFacts {
  if (expected.sync.targetStatus === undefined) return expected;
  const targetStatus: ByModel<readonly [string, string] | null> = Object.fromEntries(
    Object.entries(expected.sync.order).map(([model, uids]) => [
      model,
      Object.fromEntries(uids.map((uid) => [uid, attempted(expected, model, uid)])),
    ]),
  );
  return { ...expected, sync: { ...expected.sync, targetStatus } };
}

function attempted({ sync }: SyncFacts, model: string, uid: string): readonly [string, string] | null {
  const line = sync.logs?.findLast(
    (each) =>
      each['model'] === model && each['uniqueId'] === uid && each['action'] !== null && Object.hasOwn(each, 'status'),
  );
  if (line !== undefined) return [String(line['status']), line.event];
  const recorded = sync.logs === null ? sync.targetStatus?.[model]?.[uid] : undefined;
  return recorded === undefined || recorded === null || recorded[1] === '' ? null : recorded;
}
