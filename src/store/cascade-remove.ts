import { forEachYielding, giveWay, mapYielding } from '../async/event-loop.js';
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
    const below = new Map<string, [uid: string, parent: DiffSyncModel][]>();
    await forEachYielding(parents, (parent) => {
      if (keep !== undefined) own.add(`${parent.getType()} ${parent.getUniqueId()}`);
      for (const [type, field] of Object.entries(parent.getChildrenMapping())) {
        const children = below.get(type) ?? [];
        below.set(type, children);
        for (const uid of childUids(parent, field)) children.push([uid, parent]);
      }
    });
    const next: DiffSyncModel[] = [];
    for (const [type, children] of below) {
      const uids = [...new Set(children.map(([uid]) => uid))];
      const kept = await keep?.(type, uids, own);
      const gone = kept === undefined ? children : children.filter(([uid]) => !kept.has(uid));
      signal?.throwIfAborted();
      for (const obj of await removeChildren(core, type, gone, remove, signal)) next.push(obj);
    }
    parents = next;
  }
}

/** @returns the removed objects whose class is known, for the next level. A child that is missing is logged as an error. */
async function removeChildren(
  { store, backend, objects, operations }: StoreCore,
  type: string,
  children: readonly [string, DiffSyncModel][],
  remove: RemoveObjects,
  signal: AbortSignal | undefined,
): Promise<DiffSyncModel[]> {
  const uids = [...new Set(children.map(([uid]) => uid))];
  const records = await operations.run('remove', { model: type, reads: uids, nested: true }, () =>
    backend.readRecords(type, uids, signal),
  );
  const removed = await remove(type, uids, records);
  const present = new Set(uids.filter((_, index) => removed[index]));
  await giveWay();
  await forEachYielding(children, ([uid, parent]) => {
    if (!present.delete(uid)) {
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
