import { own, plainDiff, plainSync } from './plain-sync.js';
import type {
  AdapterCase,
  AdapterFacts,
  LogLine,
  OperationFacts,
  ProgressEvent,
  RecordedError,
  ShownObject,
  StoreCase,
  SyncCase,
  SyncFacts,
} from './recorded-cases.js';
import { copyJson } from './recorded-models.js';

interface Entry {
  /** With its number in the list of decisions. */
  readonly decision: string;
  readonly reason: string;
  /** Ids of cases; of store sequences the operations, as `<id>[<index>]`. */
  readonly covers: readonly string[];
}

/** Where ours differs from the reference on purpose, and what is expected instead: computed from the recorded facts. */
export type Deviation =
  | (Entry & { readonly kind: 'sync'; expect(expected: SyncFacts, recorded: SyncCase): SyncFacts })
  | (Entry & { readonly kind: 'adapter'; expect(expected: AdapterFacts, recorded: AdapterCase): AdapterFacts })
  | (Entry & { readonly kind: 'operation'; expect(recorded: StoreCase, index: number): OperationFacts })
  | (Entry & { readonly kind: 'definition'; expect(recorded: StoreCase): RecordedError });

// ---- What several entries share

export function redisResult({ results }: StoreCase, index: number): OperationFacts {
  const [local, redis] = [results.local[index], results.redis[index]];
  if (redis === undefined) throw new Error(`no operation ${index}`);
  return 'ok' in redis ? { ...redis, ok: inOrderOf(local?.ok, redis.ok) } : redis;
}

/** What the reference's Redis store lists, which has no order, in the order of its local store. */
function inOrderOf(local: unknown, redis: unknown): unknown {
  if (Array.isArray(local) && Array.isArray(redis) && redis.every((each) => own(each, 'uniqueId') !== undefined)) {
    const uids = (local as ShownObject[]).map(({ uniqueId }) => uniqueId);
    return (redis as ShownObject[]).toSorted((a, b) => uids.indexOf(a.uniqueId) - uids.indexOf(b.uniqueId));
  }
  if (typeof redis !== 'object' || redis === null || Array.isArray(redis)) return redis;
  return Object.fromEntries(Object.entries(redis).map(([key, value]) => [key, inOrderOf(own(local, key), value)]));
}

export function devicesOf(ok: unknown): readonly ShownObject[] {
  return (Array.isArray(ok) ? ok : own(ok, 'device')) as readonly ShownObject[];
}

export function valueError(message: string): RecordedError {
  return { name: 'ValueError', message, origin: 'diffsync', messagePortable: true };
}

/** ModelValidationError is a ValueError. */
export function invalid(message: string): RecordedError {
  return { ...valueError(message), name: 'ValidationError' };
}

export const withSync = (expected: SyncFacts, sync: Partial<SyncFacts['sync']>): SyncFacts => ({
  ...expected,
  sync: { ...expected.sync, ...sync },
});

/** Events as far as they rise within their total. */
export function withinTotal(expected: SyncFacts): SyncFacts {
  const within = (events: readonly ProgressEvent[] | null): readonly ProgressEvent[] | null =>
    events
      ?.filter(([, current, total], index) => {
        const before = events[index - 1];
        return current <= total || before === undefined || before[1] < total;
      })
      .map(([stage, current, total]) => [stage, Math.min(current, total), total] as const) ?? null;
  const [progressDiff, progress] = [within(expected.progressDiff), within(expected.sync.progress)];
  return {
    ...withSync(expected, { progress, progressTail: [progress?.length ?? 0, progress?.at(-1) ?? null] }),
    progressDiff,
    progressDiffTail: [progressDiff?.length ?? 0, progressDiff?.at(-1) ?? null],
  };
}

/** Nothing fails, and everything is done. */
export function allDone(expected: SyncFacts, recorded: SyncCase): SyncFacts {
  const { summaryAfterError: _, ...sync } = expected.sync;
  const succeeded: SyncFacts = { ...expected, sync };
  return { ...succeeded, sync: plainSync(recorded, succeeded) };
}

/** As recorded, without one element and what it does. */
export function without(
  left: (
    element: readonly [depth: number, type: string, name: string, action: string | null],
    index: number,
  ) => boolean,
  dict: (recorded: never) => object,
  looked: number,
): (expected: SyncFacts, recorded: SyncCase) => SyncFacts {
  return (expected, recorded) => {
    const elements = (expected.diff.elements ?? []).filter((element, index) => !left(element, index));
    const modelsProcessed = (expected.diff.modelsProcessed ?? 0) - looked;
    const diff = plainDiff(recorded, {
      elements,
      dict: dict(copyJson(expected.diff.dict) as never) as Record<string, unknown>,
      modelsProcessed,
    });
    return allDone(withinTotal({ ...expected, diff }), recorded);
  };
}

export function warned(expected: SyncFacts, line: LogLine): SyncFacts {
  const logs = expected.sync.logs?.flatMap((each) =>
    each.event === 'Diff calculation complete' ? [line, each] : [each],
  );
  return withSync(expected, { logs: logs ?? null });
}

/** Each attempt's lines name what was called: attempts and calls are in the same order. */
export function namedByTheirCalls(expected: SyncFacts): SyncFacts {
  const calls = expected.sync.calls.values();
  let about: Partial<Record<'action' | 'model' | 'uniqueId', string>> = {};
  const logs = expected.sync.logs?.map((line) => {
    if (line.event.startsWith('Attempting model ')) {
      const { on, model, uniqueId } = calls.next().value as SyncFacts['sync']['calls'][number];
      about = { action: on, model, uniqueId };
    }
    if (typeof line['action'] !== 'string') return line;
    const event = line.event.replace(/^\w+(?= \w+ did not return the model object\.$)/, about.model ?? '');
    return { ...line, ...about, event };
  });
  return withSync(expected, { logs: logs ?? null });
}
