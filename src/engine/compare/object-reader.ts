import type { ObjectView } from '../../record/record-view.js';
import { viewAll, viewByUids } from '../../store/engine-access.js';
import type { Side } from '../side.js';

/** Reads the objects of one side for a comparison. */
export interface ObjectReader {
  /** Returns all objects of a type, in the order of the store. */
  all(type: string): Promise<readonly ObjectView[]>;
  /** Yields objects by unique id, page by page; undefined for one that does not exist. @param uids each unique id once. */
  byUids(type: string, uids: readonly string[]): AsyncGenerator<readonly (ObjectView | undefined)[], void, undefined>;
}

/** Returns a reader of the objects as the side's store has them. @param signal ends every read. */
export function storeReader({ store }: Side, signal: AbortSignal | undefined): ObjectReader {
  return {
    all: (type) => viewAll(store, type, signal),
    byUids: (type, uids) => viewByUids(store, type, uids, signal),
  };
}

/** Returns those of the unique ids of which a reader finds an object. */
export async function presentUids(
  objects: ObjectReader,
  type: string,
  uids: readonly string[],
): Promise<ReadonlySet<string>> {
  const present = new Set<string>();
  if (uids.length === 0) return present;
  for await (const page of objects.byUids(type, uids)) {
    for (const view of page) if (view !== undefined) present.add(view.getUniqueId());
  }
  return present;
}
