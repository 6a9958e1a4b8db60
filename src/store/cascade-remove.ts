import { forEachYielding, giveWay, mapYielding, Pace } from '../async/event-loop.js';
import { overridesChildren } from '../model/class-inspection.js';
import type { ModelRecord } from '../record/model-record.js';
import { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import { childUids } from '../model/model-fields.js';
import type { StoreCore } from './store-core.js';

/**
 * Removes the objects of one model.
 * @param records - by position of `uids`, the records that were read just before.
 * @returns by position, whether there was an object to remove.
 */
export type RemoveObjects = (
  model: string,
  uids: readonly string[],
  records: readonly (ModelRecord | undefined)[],
) => Promise<readonly boolean[]>;

/**
 * Chooses children that stay, with everything below them.
 * @param own - keys, `type uid`, of the parents that go.
 */
export type KeepChildren = (
  type: string,
  uids: readonly string[],
  own: ReadonlySet<string>,
) => Promise<ReadonlySet<string>>;

/** Removes all objects below `objs`. It goes level by level, so that depth costs no call stack and a cycle ends. */
export async function removeBelow(
  core: StoreCore,
  objs: readonly DiffSyncModel[],
  remove: RemoveObjects,
  keep?: KeepChildren,
  signal?: AbortSignal,
): Promise<void> {
  const own = new Set<string>();
  let parents = objs;
  while (parents.length > 0) {
    const below = await linksOf(parents);
    if (keep !== undefined) for (const parent of parents) own.add(`${parent.getType()} ${parent.getUniqueId()}`);
    const next: DiffSyncModel[] = [];
    for (const [type, links] of below) {
      const kept = await keep?.(type, [...links.keys()], own);
      await forEachYielding(kept ?? [], (uid) => links.delete(uid));
      signal?.throwIfAborted();
      for (const obj of await removeChildren(core, type, links, remove, signal)) next.push(obj);
    }
    parents = next;
  }
}

/** The parents of each child, by unique id. */
type Links = Map<string, DiffSyncModel[]>;

/** Returns what the parents list, by type. */
async function linksOf(parents: readonly DiffSyncModel[]): Promise<ReadonlyMap<string, Links>> {
  const below = new Map<string, Links>();
  const pace = new Pace();
  for (const parent of parents) {
    const due = pace.yieldIfDue();
    if (due !== undefined) await due;
    for (const [type, field] of Object.entries(parent.getChildrenMapping())) {
      const links: Links = below.get(type) ?? new Map<string, DiffSyncModel[]>();
      below.set(type, links);
      for (const uid of childUids(parent, field)) {
        const next = pace.yieldIfDue();
        if (next !== undefined) await next;
        const others = links.get(uid);
        if (others === undefined) links.set(uid, [parent]);
        else others.push(parent);
      }
    }
  }
  return below;
}

/** @returns the removed objects whose class is known, for the next level. A child that is missing is logged as an error. */
async function removeChildren(
  { store, backend, objects, operations }: StoreCore,
  type: string,
  links: Links,
  remove: RemoveObjects,
  signal: AbortSignal | undefined,
): Promise<DiffSyncModel[]> {
  const uids = [...links.keys()];
  const records = await operations.run('remove', { model: type, reads: uids, nested: true }, () =>
    backend.readRecords(type, uids, signal),
  );
  const removed = await remove(type, uids, records);
  await giveWay();
  let index = 0;
  await forEachYielding(links, ([uid, parents]) => {
    // What several parents list is there for the first.
    for (let at = removed[index++] === true ? 1 : 0; at < parents.length; at++) {
      const parent = parents[at] as DiffSyncModel;
      store.logger.error('Unable to remove child element as it was not found!', {
        store: String(store),
        childType: type,
        childId: uid,
        parentType: parent.getType(),
        parentId: parent.getUniqueId(),
      });
    }
  });
  const model = objects.registry.get(type);
  // A model without children has nothing below it.
  if (model === undefined || !mayList(model)) return [];
  const gone = records.filter((record) => record !== undefined);
  return mapYielding(gone, (record) => objects.hydrate(model, record));
}

function mayList(model: ModelClass): boolean {
  return Object.keys(model.getChildrenMapping()).length > 0 || overridesChildren(model, DiffSyncModel);
}
