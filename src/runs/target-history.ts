import { checkAborted } from '../engine/side.js';
import type { BaseStore } from '../store/base-store.js';
import { bucketOfObject, changeOfLine, linesOfObject, partsOfObject, type KeptChange } from './change-lines.js';
import type { ChangeFilter, ListRunsOptions, Retention, RunHistory, RunPage } from './history-types.js';
import { pruneRuns } from './prune.js';
import { wholeRunId } from './run-parts.js';
import { partKey, runOf, type RunEntry, type RunRecord } from './run-records.js';
import { RunStore } from './run-store.js';
import { seekPart } from './seek-part.js';
import type { ChangeResult, RunChange, SyncRun } from './sync-run.js';

/** Runs whose parts are read at once. */
const RUNS_AT_ONCE = 100;

/** The history of one target. The store of its records is opened when it is first read. */
export class TargetHistory implements RunHistory {
  constructor(
    private readonly target: BaseStore,
    private readonly retention: Retention,
  ) {}

  async list({ limit = 20, after, signal }: ListRunsOptions = {}): Promise<RunPage> {
    const history = await this.open(signal);
    const below = after === undefined ? undefined : (await history.record(after, signal)).number;
    const entries = await history.newest(limit + 1, below, signal, ({ run }) => wholeRunId(run) === run);
    const page = entries.slice(0, limit);
    const records = await history.records(
      page.map(({ run }) => run),
      signal,
    );
    const next = entries.length > limit ? page.at(-1)?.run : undefined;
    return { runs: records.map(runOf), next };
  }

  async get(id: string): Promise<SyncRun> {
    const history = await this.open();
    return runOf(await history.record(id));
  }

  async *changes(id: string, filter: ChangeFilter = {}): AsyncGenerator<RunChange, void, undefined> {
    const { signal, from = 0 } = filter;
    const history = await this.open(signal);
    const record = await history.record(id, signal);
    let first = 0;
    for (const each of await withParts(history, record, signal)) {
      const count = changesOf(each);
      if (from < first + count) {
        const chunk = from > first ? await seekPart(history, each, from - first, signal) : 0;
        for await (const text of history.chunks(each, chunk, signal)) {
          for (const line of text.split('\n')) {
            if (line === '') continue;
            const change = withRun(changeOfLine(line), { run: id, first }, each.rest as ChangeResult);
            if (isWanted(change, filter)) yield change;
          }
        }
      }
      first += count;
    }
  }

  async ofObject(
    model: string,
    uid: string,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<RunChange[]> {
    const history = await this.open(signal);
    const found: RunChange[] = [];
    for (let below: number | undefined; ;) {
      const entries: readonly RunEntry[] = await history.newest(RUNS_AT_ONCE, below, signal);
      const last = entries.at(-1);
      if (last === undefined) return found;
      for (const change of await changesIn(history, entries, model, uid, signal)) found.push(change);
      below = last.number;
    }
  }

  async prune(options: Retention & { readonly signal?: AbortSignal | undefined } = {}): Promise<number> {
    const { signal, ...retention } = options;
    const history = await this.open(signal);
    let removed = 0;
    for (;;) {
      const step = await pruneRuns(history, { ...this.retention, ...retention });
      removed += step.runs;
      if (step.entries === 0) return removed;
      checkAborted(signal);
    }
  }

  private open(signal?: AbortSignal): Promise<RunStore> {
    return RunStore.of(this.target, signal);
  }
}

/** Reads the changes of one object in some runs: the parts of the index, the parts of changes, and then the runs' own records. */
async function changesIn(
  history: RunStore,
  all: readonly RunEntry[],
  model: string,
  uid: string,
  signal: AbortSignal | undefined,
): Promise<RunChange[]> {
  const entries = all.filter(({ buckets }) => buckets > 0);
  const buckets = await history.indexTexts(
    entries.map(({ run, buckets: count }) => partKey(run, bucketOfObject(model, uid, count))),
    signal,
  );
  const places = entries.flatMap(({ run }, at) =>
    partsOfObject(buckets[at] ?? '', model, uid).map((part) => ({ run, key: partKey(run, part) })),
  );
  if (places.length === 0) return [];
  const parts = await history.chunkTexts(
    places.map(({ key }) => key),
    signal,
  );
  const runs = await history.records([...new Set(places.map(({ run }) => run))], signal);
  const rests = new Map(runs.map(({ run, rest }) => [run, rest as ChangeResult]));
  const firsts = await firstChanges(history, runs, signal);
  return places.flatMap(({ run }, at) =>
    linesOfObject(parts[at] ?? '', uid)
      .map((line) => {
        const place = { run: wholeRunId(run), first: firsts.get(run) ?? 0 };
        return withRun(changeOfLine(line), place, rests.get(run) ?? 'planned');
      })
      .filter((change) => change.model === model && change.uid === uid),
  );
}

/** Returns the records of the parts of a run, in their order, and its own, which has what was changed after them. */
async function withParts(
  history: RunStore,
  record: RunRecord,
  signal: AbortSignal | undefined,
): Promise<readonly RunRecord[]> {
  const ids = partsOf(record);
  return ids.length === 0 ? [record] : [...(await history.records(ids, signal)), record];
}

/** How many changes a record has of its own. */
function changesOf(record: RunRecord): number {
  const { changes, parts = [] } = runOf(record);
  return changes - parts.reduce((sum, part) => sum + part.changes, 0);
}

/** Returns how many changes of the whole run come before those of each of the runs, and of the other parts of it. */
async function firstChanges(
  history: RunStore,
  runs: readonly RunRecord[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number>> {
  const known = new Map(runs.map((record) => [record.run, record]));
  const read = async (ids: readonly string[]): Promise<void> => {
    const missing = [...new Set(ids)].filter((id) => !known.has(id));
    if (missing.length === 0) return;
    for (const record of await history.records(missing, signal)) known.set(record.run, record);
  };
  const wholes = [...new Set(runs.map(({ run }) => wholeRunId(run)))];
  await read(wholes);
  await read(wholes.flatMap((id) => partsOf(known.get(id))));
  const firsts = new Map<string, number>();
  for (const id of wholes) {
    let first = 0;
    for (const run of [...partsOf(known.get(id)), id]) {
      firsts.set(run, first);
      const record = known.get(run);
      if (record !== undefined) first += changesOf(record);
    }
  }
  return firsts;
}

/** Returns the ids of the runs that have performed the parts of a run, in their order. */
function partsOf(record: RunRecord | undefined): readonly string[] {
  return record === undefined ? [] : (runOf(record).parts ?? []).flatMap(({ runs }) => runs);
}

function withRun(
  { index, ...change }: KeptChange,
  { run, first }: { readonly run: string; readonly first: number },
  rest: ChangeResult,
): RunChange {
  return { run, index: first + index, ...change, result: change.result ?? rest };
}

function isWanted(change: RunChange, { models, actions, results, uid, from = 0 }: ChangeFilter): boolean {
  return (
    change.index >= from &&
    (models?.includes(change.model) ?? true) &&
    (actions?.includes(change.action) ?? true) &&
    (results?.includes(change.result) ?? true) &&
    (uid === undefined || change.uid.includes(uid))
  );
}
