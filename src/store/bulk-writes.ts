import { forEachBatch, forEachYielding, SYNC_LIMIT } from '../async/event-loop.js';
import type { ObjectNotFound } from '../errors.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelRecord } from '../record/model-record.js';
import { removeBelow, type RemoveObjects } from './cascade-remove.js';
import type { NestedOperationOptions, OperationOptions } from './operation-context.js';
import type { InsertConflict } from './store-backend.js';
import type { StoreCore } from './store-core.js';

/** Adds objects of any models. @throws {ObjectAlreadyExists} for the first conflict, once all others are stored. */
export async function addObjects(
  core: StoreCore,
  objs: readonly DiffSyncModel[],
  { signal }: OperationOptions,
): Promise<void> {
  await keepOpenIfLarge(core, objs, (nested) => addAll(core, objs, { signal, nested }));
}

/** Puts objects of any models. Of several objects with one unique id the last wins. */
export async function updateObjects(
  core: StoreCore,
  objs: readonly DiffSyncModel[],
  { signal }: OperationOptions,
): Promise<void> {
  await keepOpenIfLarge(core, objs, (nested) => updateAll(core, 'updateMany', objs, { signal, nested }));
}

/** `close` waits for the whole of a large call. Its operations are then nested in it. */
async function keepOpenIfLarge(
  { operations }: StoreCore,
  objs: readonly DiffSyncModel[],
  work: (nested: boolean) => Promise<void>,
): Promise<void> {
  if (objs.length <= SYNC_LIMIT) return work(false);
  return operations.keepOpen(() => work(true));
}

async function addAll(
  { backend, objects, operations }: StoreCore,
  objs: readonly DiffSyncModel[],
  options: NestedOperationOptions,
): Promise<void> {
  const conflicts: InsertConflict[] = [];
  const groups = objects.recordsByModel(objs);
  for (const { model, group, records } of groups instanceof Promise ? await groups : groups) {
    const uids = new Set<string>();
    const inserts: ModelRecord[] = [];
    const noted = forEachBatch(records, (batch) => {
      for (const record of batch) if (uids.size !== uids.add(record.uid).size) inserts.push(record);
    });
    if (noted !== undefined) await noted;
    const repeats = inserts.length < records.length;
    const insertIndexes = new Map(repeats ? [...uids].map((uid, index) => [uid, index]) : []);
    const context = { model, uids: [...uids], ...options };
    const conflicting = await operations.run('addMany', context, () =>
      backend.insertRecords(model, inserts, options.signal),
    );
    let index = 0;
    await forEachYielding(group, (obj) => {
      const record = records[index] as ModelRecord;
      const insertIndex = repeats ? (insertIndexes.get(record.uid) as number) : index;
      const existing = (conflicting[insertIndex] ?? inserts[insertIndex]) as ModelRecord;
      if (objects.isSame(obj, existing, record)) objects.bind(obj);
      else conflicts.push({ model, record, existing });
      index++;
    });
  }
  if (conflicts[0] !== undefined) throw objects.alreadyExists(conflicts[0], conflicts.length);
}

/** Puts objects model by model, each model as one operation of this name. */
export async function updateAll(
  { backend, deferred, objects, operations }: StoreCore,
  operation: string,
  objs: readonly DiffSyncModel[],
  options: NestedOperationOptions,
): Promise<void> {
  const groups = objects.recordsByModel(objs);
  for (const { model, group, records } of groups instanceof Promise ? await groups : groups) {
    const last = new Map<string, ModelRecord>();
    const noted = forEachBatch(records, (batch) => {
      for (const record of batch) last.set(record.uid, record);
    });
    if (noted !== undefined) await noted;
    const context = { model, uids: [...last.keys()], ...options };
    await operations.run(operation, context, () => backend.putRecords(model, [...last.values()], options.signal));
    deferred.forgetFailed(model, context.uids);
    await forEachYielding(group, (obj) => objects.bind(obj));
  }
}

/**
 * Removes objects model by model, each model as one operation of this name.
 * @throws {ObjectNotFound} for the first object that was missing, once all others are removed.
 */
export async function removeObjects(
  core: StoreCore,
  operation: string,
  objs: readonly DiffSyncModel[],
  { removeChildren = false, signal }: OperationOptions & { readonly removeChildren?: boolean | undefined },
): Promise<void> {
  const { store, backend, deferred, objects, operations } = core;
  if (removeChildren) await store.flush({ signal }); // Child links of any object below may be pending.
  let missing: ObjectNotFound | undefined;
  for (const [model, group] of objects.byModel(objs)) {
    const byUid = new Map<string, DiffSyncModel>();
    const noted = forEachBatch(group, (batch) => {
      for (const obj of batch) byUid.set(obj.getUniqueId(), obj);
    });
    if (noted !== undefined) await noted;
    const uids = [...byUid.keys()];
    await operations.run(operation, { model, uids, signal }, async () => {
      const present = await backend.deleteRecords(model, uids, signal);
      deferred.forgetFailed(model, uids);
      const removed = [...byUid.values()].filter((_, index) => present[index]);
      await forEachYielding(removed, (obj) => objects.unbind(obj));
      const remove: RemoveObjects = (type, below) => backend.deleteRecords(type, below, signal);
      if (removeChildren) await removeBelow(core, removed, remove, undefined, signal);
      const first = uids[present.indexOf(false)];
      if (first !== undefined) missing ??= objects.notFound(model, first);
    });
  }
  if (missing !== undefined) throw missing;
}
