import {
  Adapter,
  Diff,
  DiffSyncStatus,
  type BaseStore,
  type DiffElement,
  type DiffSyncModel,
  type ModelClass,
  type ProgressCallback,
} from '../../src/index.js';
import { byCodePoint } from './facts.js';
import {
  buildModels,
  buildObject,
  fieldsOf,
  RecordingLogger,
  type Fields,
  type HookRecorder,
} from './recorded-models.js';
import type { Between, ByModel, Ordering, ProgressEvent, SyncCase, SyncFacts } from './recorded-cases.js';

type Facts = SyncFacts<unknown>;

/** More than so many are recorded by their number and the last one alone. */
const MOST_EVENTS = 400;
const MOST_LOGS = 160;
const MOST_STATUSES = 60;

/** Does what a case says, through the public API alone, and returns what it showed. */
export async function replaySync(recorded: SyncCase, sourceStore: BaseStore, targetStore: BaseStore): Promise<Facts> {
  const hooks: HookRecorder = { calls: [], behaviours: recorded.hooks ?? [] };
  const sourceModels = buildModels(recorded.models);
  const targetModels = buildModels(recorded.targetModels ?? recorded.models, hooks);
  const { source, target, logger, completed } = adapters(
    recorded,
    [sourceModels, sourceStore],
    [targetModels, targetStore],
  );

  const loadErrors = [
    ...(await load('source', source, sourceModels, recorded.source)),
    ...(await load('target', target, targetModels, recorded.target)),
  ];
  const sourceBefore = await contents(source);

  const diffClass = diffClassOf(recorded.orderings);
  const diffProgress = new Recorded<ProgressEvent>(MOST_EVENTS);
  const made = await outcome(() => diff(recorded, source, target, diffClass, diffProgress.listener));
  for (const step of recorded.between ?? []) await between(step, target, targetModels);

  logger.lines = [];
  const syncProgress = new Recorded<ProgressEvent>(MOST_EVENTS);
  const { error, used } = await sync(recorded, source, target, diffClass, made.value, syncProgress.listener);
  const logs = logger.lines.splice(0);

  const after = await outcome(() => target.diffFrom(source, { flags: recorded.flags, diffClass }));
  const targetAfter = await contents(target);
  return {
    ...(loadErrors.length === 0 ? {} : { loadErrors }),
    diff: made.value === undefined ? { error: made.error } : { error: null, ...diffFacts(made.value, recorded) },
    progressDiff: diffProgress.all,
    progressDiffTail: diffProgress.tail,
    sync: {
      error,
      calls: hooks.calls,
      progress: syncProgress.all,
      progressTail: syncProgress.tail,
      changedCallback: completed.count > 0,
      ...(completed.count > 1 ? { changedCallbackCount: completed.count } : {}),
      target: targetAfter.fields,
      order: targetAfter.order,
      ...(targetAfter.flags === undefined ? {} : { targetFlags: targetAfter.flags }),
      ...statuses(targetAfter, used, targetModels),
      logs: logs.length > MOST_LOGS ? null : logs,
      summaryAfter: after.value?.summary() ?? null,
      ...(after.value === undefined ? { summaryAfterError: after.error } : {}),
      sourceUnchanged: JSON.stringify(await contents(source)) === JSON.stringify(sourceBefore),
    },
  };
}

function adapters(
  { topLevel }: SyncCase,
  [sourceModels, sourceStore]: [ReadonlyMap<string, ModelClass>, BaseStore],
  [targetModels, targetStore]: [ReadonlyMap<string, ModelClass>, BaseStore],
) {
  const logger = new RecordingLogger();
  const completed = { count: 0 };
  class SourceAdapter extends Adapter {
    static override readonly models = [...sourceModels.values()];
    static override readonly topLevel = topLevel.source;
  }
  class TargetAdapter extends Adapter {
    static override readonly models = [...targetModels.values()];
    static override readonly topLevel = topLevel.target;

    override async syncComplete(): Promise<void> {
      completed.count++;
    }
  }
  const source = new SourceAdapter({ store: sourceStore, name: 'source', logger });
  const target = new TargetAdapter({ store: targetStore, name: 'target', logger });
  return { source, target, logger, completed };
}

async function load(
  side: string,
  adapter: Adapter,
  models: ReadonlyMap<string, ModelClass>,
  objects: SyncCase['source'],
): Promise<NonNullable<Facts['loadErrors']>[number][]> {
  const errors: NonNullable<Facts['loadErrors']>[number][] = [];
  for (const [index, object] of objects.entries()) {
    const { error } = await outcome(() => adapter.add(buildObject(models, object)));
    if (error !== null) errors.push({ side, index, error });
  }
  return errors;
}

function diffClassOf(orderings: SyncCase['orderings']): typeof Diff {
  if (orderings === undefined) return Diff;
  return class OrderedDiff extends Diff {
    protected override orderChildren(group: string, elements: readonly DiffElement[]): readonly DiffElement[] {
      const order = Object.hasOwn(orderings, group) ? orderings[group] : undefined;
      return order === undefined ? elements : ORDERS[order](elements);
    }
  };
}

const ORDERS: Readonly<Record<Ordering, (elements: readonly DiffElement[]) => readonly DiffElement[]>> = {
  reverse: (elements) => elements.toReversed(),
  'by-name': (elements) => elements.toSorted((a, b) => byCodePoint(a.name, b.name)),
  'deletes-first': (elements) =>
    elements.toSorted((a, b) => Number(b.action === 'delete') - Number(a.action === 'delete')),
};

async function diff(
  { via, flags, diffFlags = flags }: SyncCase,
  source: Adapter,
  target: Adapter,
  diffClass: typeof Diff,
  onProgress: ProgressCallback,
): Promise<Diff> {
  const options = { flags: diffFlags, diffClass, onProgress };
  return via === 'sync_to' ? source.diffTo(target, options) : target.diffFrom(source, options);
}

/** `used`: the diff that was applied, also where the sync failed. */
async function sync(
  { via, flags, diffMode }: SyncCase,
  source: Adapter,
  target: Adapter,
  diffClass: typeof Diff,
  recordedDiff: Diff | undefined,
  onProgress: ProgressCallback,
): Promise<{ error: unknown; used: Diff | undefined }> {
  let used = diffMode === undefined ? undefined : recordedDiff;
  const use = (made: Diff): void => {
    used = made;
  };
  class UsedDiff extends diffClass {
    override complete(): void {
      use(this);
    }
  }
  class OtherDiff extends Diff {}
  const given = diffMode === undefined || recordedDiff === undefined ? {} : { diff: recordedDiff };
  const wanted = diffMode === undefined ? UsedDiff : diffMode === 'class-mismatch' ? OtherDiff : diffClass;
  const options = { flags, onProgress, diffClass: wanted, ...given };
  const run = (): Promise<Diff> =>
    via === 'sync_to' ? source.syncTo(target, options) : target.syncFrom(source, options);
  let { error } = await outcome(run);
  if (diffMode === 'precomputed-twice' && error === null) ({ error } = await outcome(run));
  return { error, used };
}

async function between(step: Between, target: Adapter, models: ReadonlyMap<string, ModelClass>): Promise<void> {
  if (step.op === 'add') return target.add(buildObject(models, step));
  const obj = await target.get(step.model, step.uniqueId);
  if (step.op === 'remove') return target.remove(obj);
  Object.assign(obj, { [step.field]: step.value });
  return target.update(obj);
}

function diffFacts(made: Diff, { expected }: SyncCase): Omit<Facts['diff'], 'error'> {
  return {
    dict: made.toDict(),
    summary: made.summary(),
    len: made.length,
    hasDiffs: made.hasDiffs(),
    // Recorded only where Python and JavaScript spell all of its values alike.
    str: expected.diff.str === null ? null : made.toString(),
    modelsProcessed: made.modelsProcessed,
    elements: walk(made).map(([depth, { type, name, action }]) => [depth, type, name, action]),
  };
}

function walk(made: Diff): [depth: number, element: DiffElement][] {
  const below = (elements: readonly DiffElement[], depth: number): [number, DiffElement][] =>
    elements.flatMap((element) => [[depth, element], ...below(element.getChildren(), depth + 1)]);
  return below(made.getChildren(), 0);
}

interface Contents {
  readonly fields: ByModel<Fields>;
  readonly order: Readonly<Record<string, readonly string[]>>;
  readonly flags: ByModel<number> | undefined;
}

/** All objects of an adapter, `flags` where they are not 0. */
export async function contents(adapter: Adapter): Promise<Contents> {
  const objects: [model: string, objects: readonly DiffSyncModel[]][] = [];
  for (const model of await adapter.getAllModelNames()) objects.push([model, await adapter.getAll(model)]);
  // From entries: assignment of a unique id such as "__proto__" would lose the object.
  const each = <T>(value: (obj: DiffSyncModel) => T): Record<string, Record<string, T>> =>
    Object.fromEntries(
      objects.map(([model, all]) => [model, Object.fromEntries(all.map((obj) => [obj.getUniqueId(), value(obj)]))]),
    );
  const flagged = objects
    .map(([model, all]) => [model, all.filter(({ modelFlags }) => modelFlags !== 0)] as const)
    .filter(([, all]) => all.length > 0)
    .map(([model, all]) => [
      model,
      Object.fromEntries(all.map((obj) => [obj.getUniqueId(), obj.modelFlags as number])),
    ]);
  return {
    fields: each(fieldsOf),
    order: Object.fromEntries(objects.map(([model, all]) => [model, all.map((obj) => obj.getUniqueId())])),
    flags: flagged.length === 0 ? undefined : (Object.fromEntries(flagged) as ByModel<number>),
  };
}

function statuses(
  { order }: Contents,
  used: Diff | undefined,
  models: ReadonlyMap<string, ModelClass>,
): Pick<Facts['sync'], 'targetStatus'> {
  if (Object.values(order).flat().length > MOST_STATUSES) return {};
  const elements = new Map<string, DiffElement>();
  for (const [, element] of used === undefined ? [] : walk(used)) {
    const uid = models.get(element.type)?.createUniqueId(element.keys as never);
    const key = JSON.stringify([element.type, uid]);
    // An object that moved has two elements; what is in the target now is not the deleted one.
    if (element.action !== 'delete' || !elements.has(key)) elements.set(key, element);
  }
  const status = (model: string, uid: string): readonly [string, string] | null => {
    const element = elements.get(JSON.stringify([model, uid]));
    return element === undefined || element.status === DiffSyncStatus.UNKNOWN
      ? null
      : [element.status, element.message];
  };
  return {
    targetStatus: Object.fromEntries(
      Object.entries(order).map(([model, uids]) => [
        model,
        Object.fromEntries(uids.map((uid) => [uid, status(model, uid)])),
      ]),
    ),
  };
}

class Recorded<Event extends ProgressEvent> {
  private readonly events: Event[] = [];

  constructor(private readonly most: number) {}

  readonly listener: ProgressCallback = (stage, current, total) => {
    this.events.push([stage, current, total] as ProgressEvent as Event);
  };

  get all(): readonly Event[] | null {
    return this.events.length > this.most ? null : this.events;
  }

  get tail(): readonly [number, Event | null] {
    return [this.events.length, this.events.at(-1) ?? null];
  }
}

export async function outcome<T>(
  work: () => Promise<T>,
): Promise<{ value: T; error: null } | { value: undefined; error: unknown }> {
  try {
    return { value: await work(), error: null };
  } catch (error) {
    return { value: undefined, error };
  }
}
