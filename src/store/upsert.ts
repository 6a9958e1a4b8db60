import { assignAttributes } from '../model/assign-attributes.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import { classOf, type ModelClass } from '../model/model-class.js';
import { checkUniqueId } from '../model/unique-id.js';
import type { OperationOptions } from './operation-context.js';
import type { StoreCore } from './store-core.js';

/** Returns the stored object with the unique id of `obj`, else `obj`, which is added. */
export async function getOrAdd<M extends DiffSyncModel>(
  { backend, objects, operations }: StoreCore,
  obj: M,
  { signal }: OperationOptions,
): Promise<[obj: M, created: boolean]> {
  const model = objects.nameOfObject(obj);
  const record = objects.recordOf(obj);
  return operations.run('getOrAddModelInstance', { model, uids: [record.uid], signal }, async () => {
    const [existing] = await backend.insertRecords(model, [record], signal);
    if (existing !== undefined) return [objects.toObject(classOf(obj), existing) as M, false];
    objects.bind(obj);
    return [obj, true];
  });
}

/** What to set on the stored object, and what to add where there is none. */
export interface Upsert extends OperationOptions {
  readonly model: ModelClass;
  readonly uid: string;
  readonly attrs: object;
  /** Makes the object to add; is called when there is none. */
  create(): Promise<DiffSyncModel>;
}

/** Sets attributes on the stored object by compare-and-set, else adds a new one; starts over when another caller was first. */
export async function updateOrAdd(
  { backend, objects, operations }: StoreCore,
  operation: string,
  { model, uid, attrs, create, signal }: Upsert,
): Promise<[obj: DiffSyncModel, created: boolean]> {
  const name = objects.nameOf(model);
  checkUniqueId(name, uid);
  return operations.run(operation, { model: name, uids: [uid], signal }, async () => {
    for (;;) {
      signal?.throwIfAborted();
      let found: DiffSyncModel | undefined;
      await backend.modifyRecords(
        name,
        [uid],
        (_, current) => {
          found = current && objects.toObject(model, current);
          if (found === undefined) return undefined;
          return assignAttributes(found, attrs) ? objects.recordOf(found) : undefined;
        },
        signal,
      );
      if (found !== undefined) return [found, false];
      const obj = await create();
      assignAttributes(obj, attrs);
      const [existing] = await backend.insertRecords(name, [objects.recordOf(obj)], signal);
      if (existing === undefined) {
        objects.bind(obj);
        return [obj, true];
      }
    }
  });
}
