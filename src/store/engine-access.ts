// What only the engine and `copyStore` may call on a store. Functions, so that they stand in no type that users see.
import { setMaxListeners } from 'node:events';
import { forEachYielding, mapYielding } from '../async/event-loop.js';
import { DiffSyncError } from '../errors.js';
import { checkUniqueId } from '../model/unique-id.js';
import { setListed, settleLists, unlistLater, type DiffSyncModel, type ModelHost } from '../model/diffsync-model.js';
import { FLAGS, type ModelDefinition } from '../model/model-definition.js';
import { childListFor, definitionOf, type ChildListOf } from '../model/model-fields.js';
import { buildRecord, type ModelRecord } from '../record/model-record.js';
import type { StoredView } from '../record/record-view.js';
import { cloneValue } from '../values/clone.js';
import { isDeepEqual } from '../values/deep-equal.js';
import { setOwn } from '../values/own-property.js';
import type { BaseStore } from './base-store.js';
import { removeBelow, type KeepChildren, type RemoveObjects } from './cascade-remove.js';
import { patchBetween } from './record-patch.js';
import { removeDangling, type ChildLink } from './dangling-links.js';
import { PAGE_SIZE, type StoreCore } from './store-core.js';
import { coreOf } from './store-lifecycle.js';
import { MAX_ATOMIC_FLUSH } from './write-behind.js';

/** The most records of `saveAtOnce`. */
export const MAX_ATOMIC_CHANGES = MAX_ATOMIC_FLUSH;

/** Returns a number that changes with every write that is not deferred, so that the engine notices writes of hooks. */
export function revisionOf(store: BaseStore): number {
  return coreOf(store).operations.revision;
}

/** Returns how many objects of each model there are. */
export function countByModel(store: BaseStore, signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const { backend, operations } = coreOf(store);
  return operations.run('count', { signal }, () => backend.countAllRecords(signal));
}

/**
 * Runs work on a store that `close` ends: the signal that the work is given is aborted then, and `close` waits until the work has
 * settled.
 * @param signal - ends the work too.
 * @throws {ObjectStoreException} (STORE_CLOSED) when `close` has ended the work; else what the work throws.
 */
export async function whileOpen<T>(
  store: BaseStore,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  let closing: unknown;
  const follow = (): void => ended.abort(signal?.reason);
  const stop = (reason: unknown): void => {
    closing = reason;
    ended.abort(reason);
  };
  if (signal?.aborted === true) follow();
  else if (signal !== undefined) {
    setMaxListeners(0, signal); // Any number of syncs may have it, which is no leak.
    signal.addEventListener('abort', follow, { once: true });
  }
  try {
    return await coreOf(store).operations.keepOpenUntilStopped(stop, () => work(ended.signal));
  } catch (error) {
    throw closing !== undefined && error instanceof DiffSyncError && error.cause === closing ? closing : error;
  } finally {
    signal?.removeEventListener('abort', follow);
  }
}

/** Binds an object to the adapter whose work it is part of: a newer adapter of its class may serve the store by now. */
export function bindFor(store: BaseStore, host: ModelHost, obj: DiffSyncModel): void {
  if (obj.adapter !== host) coreOf(store).objects.bindFor(host, obj);
}

// ---- Views for comparisons: objects are built only where a comparison needs them.

/** Returns views of all objects of a model, in insertion order. */
export async function viewAll(store: BaseStore, model: string, signal?: AbortSignal): Promise<StoredView[]> {
  const { backend, objects, operations } = coreOf(store);
  return operations.run('getAll', { model, signal }, async () => {
    const viewOf = objects.viewer(model);
    const views: StoredView[] = [];
    for await (const page of backend.scanRecords(model, PAGE_SIZE, signal)) {
      signal?.throwIfAborted();
      await forEachYielding(page, (record) => void views.push(viewOf(record)));
    }
    return views;
  });
}

/**
 * Yields views of objects by unique id, page by page.
 * @param uids - each unique id once.
 */
export async function* viewByUids(
  store: BaseStore,
  model: string,
  uids: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<readonly (StoredView | undefined)[], void, undefined> {
  const { backend, objects, operations } = coreOf(store);
  await forEachYielding(uids, (uid) => checkUniqueId(model, uid));
  const viewOf = objects.viewer(model);
  const pages = ofPages(operations, { model, signal }, 'getByUids', backend.readPages(model, uids, signal));
  for await (const page of pages) yield await mapYielding(page, (record) => record && viewOf(record));
}

/** Yields pages, each one read as an operation of the store. */
async function* ofPages<T>(
  operations: StoreCore['operations'],
  of: { readonly model: string; readonly signal: AbortSignal | undefined },
  operation: 'getAll' | 'getByUids',
  pages: AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  try {
    for (;;) {
      const { done, value } = await operations.run(operation, of, () => pages.next());
      if (done === true) return;
      yield value;
    }
  } finally {
    // `return` waits for the page that is being read: not after a signal has ended the wait for it.
    const returned = pages.return();
    if (of.signal?.aborted === true) returned.catch(() => undefined);
    else await returned;
  }
}

/** Returns those of the unique ids that have an object, in insertion order. */
export function orderUids(
  store: BaseStore,
  model: string,
  uids: readonly string[],
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const { backend, operations } = coreOf(store);
  return operations.run('getByUids', { model, signal }, () => backend.orderUids(model, uids, signal));
}

/** Yields the unique ids of all objects of a model in insertion order, in pages. One whose object is gone may be among them. */
export async function* scanUids(
  store: BaseStore,
  model: string,
  signal?: AbortSignal,
): AsyncGenerator<readonly string[], void, undefined> {
  const { backend, operations } = coreOf(store);
  yield* ofPages(operations, { model, signal }, 'getAll', backend.scanUids(model, signal));
}

// ---- Deferred writes: they are pending until `flush`, or until an operation that must see them.

/**
 * Adds an object that is known to be absent, deferred, and links it to its parent.
 * @throws what makes the object one that cannot be stored, or linked; nothing is pending then.
 */
export function deferAdd(store: BaseStore, obj: DiffSyncModel, parent?: DiffSyncModel): void {
  const core = coreOf(store);
  const { objects, deferred } = core;
  core.operations.checkOpen();
  const model = objects.nameOfObject(obj);
  const record = objects.recordOf(obj);
  const list = parent && childListFor(parent, obj, 'store');
  deferred.pending.insert(model, record);
  objects.bind(obj);
  if (parent !== undefined && list !== undefined) setLink(core, parent, list, record.uid, true);
}

/** An object of the target before its hook is called. Its identifiers and child lists are no part of what is compared. */
export interface ObjectSnapshot {
  readonly data: Readonly<Record<string, unknown>>;
  readonly flags: number;
}

/** Definition -> the fields that no patch sets: identifiers, child lists, and the flags, which are no data. */
const unwritten = new WeakMap<ModelDefinition, ReadonlySet<string>>();

function unwrittenFields(definition: ModelDefinition): ReadonlySet<string> {
  let fields = unwritten.get(definition);
  if (fields === undefined) {
    fields = new Set([FLAGS, ...definition.identifiers, ...Object.values(definition.children)]);
    unwritten.set(definition, fields);
  }
  return fields;
}

/** Notes the fields of an object, for `deferPatch`. */
export function snapshotOf(obj: DiffSyncModel): ObjectSnapshot {
  const ignored = unwrittenFields(definitionOf(obj));
  const data = Object.assign<Record<string, unknown>, object>({}, obj);
  for (const field in data) {
    const value = data[field];
    if (typeof value === 'object' && value !== null && !ignored.has(field))
      setOwn(data, field, cloneValue(value, field));
  }
  return { data, flags: obj.modelFlags };
}

/**
 * Writes the fields in which an object differs from what it was, deferred, by compare-and-set. Identifiers and child lists
 * are no part of it.
 * @param before - what `snapshotOf` returned before the change.
 * @throws what makes the object one that cannot be stored; nothing is pending then.
 */
export function deferPatch(store: BaseStore, before: ObjectSnapshot, obj: DiffSyncModel): void {
  const { objects, deferred, operations } = coreOf(store);
  operations.checkOpen();
  const model = objects.nameOfObject(obj);
  const definition = definitionOf(obj);
  const ignored = unwrittenFields(definition);
  // Child lists have a bound of their own. What has not changed is the record's already, and takes no copy.
  const record = buildRecord(obj, (value, field) => {
    if (ignored.has(field)) return Array.isArray(value) ? undefined : value;
    const known = Object.hasOwn(before.data, field) ? before.data[field] : undefined;
    return isDeepEqual(known, value) ? known : cloneValue(value, field);
  });
  const after = { data: record.data, flags: obj.modelFlags };
  const patch = patchBetween(before, after, definition.modelFlags, ignored);
  if (patch !== undefined) {
    objects.checkSize(model, record);
    deferred.pending.patch(model, record.uid, patch);
  }
  objects.bind(obj);
}

/** Removes an object that is known to be stored, deferred, and unlinks it from its parent. */
export function deferRemove(store: BaseStore, obj: DiffSyncModel, parent?: DiffSyncModel): void {
  const core = coreOf(store);
  const { objects, deferred } = core;
  core.operations.checkOpen();
  const uid = obj.getUniqueId();
  if (parent !== undefined) setLink(core, parent, childListFor(parent, obj, 'find and delete'), uid, false);
  deferred.pending.remove(objects.nameOfObject(obj), uid);
  objects.unbind(obj);
}

/** Removes all objects below one, deferred, as the lists name them, but for those that `keep` chooses. */
export async function deferRemoveBelow(store: BaseStore, obj: DiffSyncModel, keep: KeepChildren): Promise<void> {
  const core = coreOf(store);
  core.operations.checkOpen();
  settleLists(obj);
  const remove: RemoveObjects = async (type, uids, records) =>
    uids.map((uid, index) => records[index] !== undefined && core.deferred.pending.remove(type, uid));
  await removeBelow(core, [obj], remove, keep);
}

/**
 * Adds a child to the stored list of its parent, or takes it out, deferred; whatever list the object in memory has, which is
 * changed too, by the next flush.
 * @throws {ObjectStoreWrongType} (OBJECT_STORE_WRONG_TYPE) when the parent's model has no field for such children.
 */
export function deferLink(store: BaseStore, parent: DiffSyncModel, child: DiffSyncModel, linked: boolean): void {
  coreOf(store).operations.checkOpen();
  const list = childListFor(parent, child, linked ? 'store' : 'find and delete');
  setLink(coreOf(store), parent, list, child.getUniqueId(), linked);
}

function setLink(
  { deferred, objects: { host } }: StoreCore,
  parent: DiffSyncModel,
  [field, list]: ChildListOf,
  uid: string,
  linked: boolean,
): void {
  const changed = linked ? setListed(parent, field, list, uid, linked) : unlistLater(parent, field, list, uid);
  if (changed && !linked) deferred.settleLater(parent);
  // The change of an object that is bound to this store's adapter is recorded already.
  if (changed && host !== undefined && parent.adapter === host) return;
  deferred.link(parent, field, uid, linked);
}

/**
 * Takes those of the links out of their lists that name an object which does not exist at this moment, by compare-and-set.
 * @returns the links that were removed.
 */
export async function unlinkMissing(
  store: BaseStore,
  links: readonly ChildLink[],
  signal?: AbortSignal,
): Promise<readonly ChildLink[]> {
  if (links.length === 0) return [];
  const core = coreOf(store);
  return core.operations.run('unlink', { writes: true }, () => removeDangling(core, links, signal));
}

/** Whether so much is pending that the caller flushes it, once it has deferred all that belongs into one write. */
export function isFlushDue(store: BaseStore): boolean {
  return coreOf(store).deferred.isFull;
}

/**
 * Keeps deferred writes pending, so that a killed process leaves all of those that belong together or nothing. They are
 * written all the same when an operation must see them, or when more is pending than fits into one atomic write.
 * @returns a function that ends the pause.
 */
export function pauseFlush(store: BaseStore): () => void {
  return coreOf(store).deferred.pause();
}

// ---- Records as they are stored, for `copyStore` and reloads. Their classes need not be registered.

/** Yields all records of a model, in insertion order. */
export async function* recordPages(
  store: BaseStore,
  model: string,
  pageSize: number,
): AsyncGenerator<readonly ModelRecord[], void, undefined> {
  const { backend, objects, operations } = coreOf(store);
  const pages = await operations.run('copy', { model }, async () => backend.scanRecords(model, pageSize));
  for await (const page of pages) yield page.map((record) => objects.own(record));
}

/** Returns records by position of `uids`, which holds each unique id once. */
export async function recordsAt(
  store: BaseStore,
  model: string,
  uids: readonly string[],
): Promise<(ModelRecord | undefined)[]> {
  const { backend, objects, operations } = coreOf(store);
  const records = await operations.run('copy', { model }, () => backend.readRecords(model, uids));
  return records.map((record) => record && objects.own(record));
}

/** Inserts each record whose unique id is free. @returns by position, the record that had the unique id already. */
export async function insertAsIs(
  store: BaseStore,
  model: string,
  records: readonly ModelRecord[],
): Promise<readonly (ModelRecord | undefined)[]> {
  const { backend, operations } = coreOf(store);
  const uids = records.map(({ uid }) => uid);
  return operations.run('copy', { model, uids }, () => backend.insertRecords(model, records));
}

/** Replaces or appends each record. */
export async function putAsIs(store: BaseStore, model: string, records: readonly ModelRecord[]): Promise<void> {
  const { backend, operations } = coreOf(store);
  const uids = records.map(({ uid }) => uid);
  return operations.run('copy', { model, uids }, () => backend.putRecords(model, records));
}

/** Deletes records by unique id. */
export async function deleteAsIs(store: BaseStore, model: string, uids: readonly string[]): Promise<void> {
  const { backend, operations } = coreOf(store);
  await operations.run('copy', { model, uids }, () => backend.deleteRecords(model, uids));
}

/**
 * Writes the changes of several models in one atomic write, of up to `MAX_ATOMIC_CHANGES` records.
 * @param changes - Models before those of their children; records to replace or append, and unique ids to delete.
 * @returns false if the backend cannot do so, and nothing was written.
 */
export async function saveAtOnce(
  store: BaseStore,
  changes: readonly {
    readonly model: string;
    readonly puts: readonly ModelRecord[];
    readonly removed: readonly string[];
  }[],
): Promise<boolean> {
  const { backend, operations } = coreOf(store);
  const all = changes.map((change) => ({
    ...change,
    replaced: [],
    inserts: [],
    modified: [],
    change: () => undefined,
  }));
  return operations.run('copy', { writes: true }, async () => (await backend.saveTogether(all)) !== undefined);
}

/** Returns models, those of parents before those of their children, by the classes that the store knows. */
export function parentsFirst(store: BaseStore, models: readonly string[]): readonly string[] {
  return coreOf(store).objects.parentsFirst(models);
}

/** From now on child links of objects that belong to `from` are recorded by `to`. Both stores serve one adapter. */
export function forwardLinks(from: BaseStore, to: BaseStore): void {
  const { deferred } = coreOf(to);
  coreOf(from).deferred.forwardLinks(deferred);
}
