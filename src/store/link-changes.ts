import type { ModelRecord } from '../record/model-record.js';

/** The child is first taken out of the list if `unlinked`, then appended if `linked`. */
export interface LinkChange {
  readonly unlinked: boolean;
  readonly linked: boolean;
}

/** The changes of child lists, by child field and the child's unique id, in the order of the calls. */
export type LinkChanges = Map<string, Map<string, LinkChange>>;

/** Returns the record with changed child lists; the one that is passed stays as it is. */
export function withLinks(record: ModelRecord, links: LinkChanges): ModelRecord {
  const data = { ...record.data };
  for (const [field, changes] of links) {
    const before: readonly string[] = Array.isArray(data[field]) ? (data[field] as string[]) : [];
    const missing = new Map(changes);
    const kept = before.filter((uid) => {
      const change = changes.get(uid);
      if (change?.unlinked === true) return false;
      if (change !== undefined) missing.delete(uid);
      return true;
    });
    for (const [uid, { linked }] of missing) if (linked) kept.push(uid);
    data[field] = kept;
  }
  const { uid, flags } = record;
  return flags === undefined ? { uid, data } : { uid, data, flags };
}
