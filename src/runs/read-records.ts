import { Pace } from '../async/event-loop.js';
import type { ChangedObject } from '../diff/diff-changes.js';
import { checkAborted } from '../engine/side.js';
import type { ModelRecord } from '../record/model-record.js';
import type { BaseStore } from '../store/base-store.js';
import { recordsAt } from '../store/engine-access.js';

/** Records that are read at once. */
const BATCH = 500;

/** Model -> unique id -> record. */
export type Records = ReadonlyMap<string, ReadonlyMap<string, ModelRecord>>;

/** Reads the records of objects, those that there are, in batches. @param objects - may name an object more than once. */
export async function readRecords(
  store: BaseStore,
  objects: Iterable<ChangedObject>,
  signal: AbortSignal,
): Promise<Records> {
  const wanted = new Map<string, Set<string>>();
  const pace = new Pace();
  for (const { model, uid } of objects) {
    const due = pace.yieldIfDue();
    if (due !== undefined) await due;
    const uids = wanted.get(model);
    if (uids === undefined) wanted.set(model, new Set([uid]));
    else uids.add(uid);
  }
  const found = new Map<string, Map<string, ModelRecord>>();
  for (const [model, set] of wanted) {
    const records = new Map<string, ModelRecord>();
    found.set(model, records);
    const uids = [...set];
    for (let at = 0; at < uids.length; at += BATCH) {
      checkAborted(signal);
      for (const record of await recordsAt(store, model, uids.slice(at, at + BATCH))) {
        if (record !== undefined) records.set(record.uid, record);
      }
    }
  }
  return found;
}
