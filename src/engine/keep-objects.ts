import { giveWay } from '../async/event-loop.js';
import type { ModelClass } from '../model/model-class.js';
import type { ModelRecord } from '../record/model-record.js';
import type { BaseStore } from '../store/base-store.js';
import { insertAsIs, parentsFirst, putAsIs, recordPages, recordsAt } from '../store/engine-access.js';

/** Records that are read or written at once. */
const PAGE = 500;

/**
 * Completes a copy with what a store has besides of some models, so that the store keeps it when it is made equal to the copy: the
 * objects themselves, those that list them, and their places in the lists.
 * @param kept - The names of the models.
 */
export async function keepObjects(
  store: BaseStore,
  copy: BaseStore,
  models: ReadonlyMap<string, ModelClass>,
  kept: ReadonlySet<string>,
): Promise<void> {
  /** Model -> unique ids of the objects that the copy got from the store. */
  const added = new Map<string, Set<string>>();
  for (const model of kept) {
    const known = new Set<string>();
    added.set(model, known);
    for await (const page of recordPages(store, model, PAGE)) {
      const uids = page.map(({ uid }) => uid);
      const loaded = await recordsAt(copy, model, uids);
      for (const [at, uid] of uids.entries()) if (loaded[at] === undefined) known.add(uid);
    }
  }
  // Children first: a parent is kept because of what it lists.
  for (const model of parentsFirst(store, [...models.keys()]).toReversed()) {
    const lists = Object.entries(models.get(model)?.getChildrenMapping() ?? {});
    for await (const page of recordPages(store, model, PAGE)) {
      await giveWay();
      const uids = page.map(({ uid }) => uid);
      const loaded = await recordsAt(copy, model, uids);
      const missing: ModelRecord[] = [];
      const longer: ModelRecord[] = [];
      for (const [at, record] of page.entries()) {
        const own = loaded[at];
        const keptLists = listsOf(record, lists, added);
        if (own !== undefined) {
          const merged = withKept(own, keptLists);
          if (merged !== own) longer.push(merged);
        } else if (kept.has(model) || [...keptLists.values()].some((list) => list.length > 0)) {
          missing.push(withLists(record, keptLists));
        }
      }
      await insertAsIs(copy, model, missing);
      if (longer.length > 0) await putAsIs(copy, model, longer);
      const known = added.get(model) ?? new Set<string>();
      added.set(model, known);
      for (const { uid } of missing) known.add(uid);
    }
  }
}

/** Returns by field what a record lists of the objects that the copy got from the store. */
function listsOf(
  { data }: ModelRecord,
  lists: readonly (readonly [type: string, field: string])[],
  added: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    lists.map(([type, field]) => {
      const list: unknown = data[field];
      const known = added.get(type);
      const uids = Array.isArray(list) && known !== undefined ? (list as readonly string[]) : [];
      return [field, uids.filter((uid) => known?.has(uid))];
    }),
  );
}

/** Returns the record with those in its lists too; the same record where it lists them all. */
function withKept(record: ModelRecord, keptLists: ReadonlyMap<string, readonly string[]>): ModelRecord {
  const longer = new Map<string, readonly string[]>();
  for (const [field, kept] of keptLists) {
    const list: unknown = record.data[field];
    const own = Array.isArray(list) ? (list as readonly string[]) : [];
    const listed = new Set(own);
    const more = kept.filter((uid) => !listed.has(uid));
    if (more.length > 0) longer.set(field, [...own, ...more]);
  }
  return longer.size === 0 ? record : withLists(record, longer);
}

function withLists(record: ModelRecord, lists: ReadonlyMap<string, readonly string[]>): ModelRecord {
  return { ...record, data: { ...record.data, ...Object.fromEntries(lists) } };
}
