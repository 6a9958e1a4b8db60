import { setTimeout } from 'node:timers/promises';
import { BACKOFF, backoffDelay } from '../async/backoff.js';
import { ObjectStoreException } from '../errors.js';
import { assignAttributes } from '../model/assign-attributes.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import { classOf, type ModelClass } from '../model/model-class.js';
import { checkUniqueId } from '../model/unique-id.js';
import type { Instantiated } from './instantiate.js';
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
  readonly made: Instantiated;
}

/** So many times an object may appear and disappear between two commands of one call. */
const MAX_ATTEMPTS = 10;

/**
 * Sets attributes on the stored object by compare-and-set, else adds a new one; starts over when another caller was first.
 * @throws {ObjectStoreException} (STORE_CONTENTION) after so many attempts.
 */
export async function updateOrAdd(
  { store, backend, objects, operations }: StoreCore,
  operation: string,
  { model, made, signal }: Upsert,
): Promise<[obj: DiffSyncModel, created: boolean]> {
  const name = objects.nameOf(model);
  let { uid } = made;
  checkUniqueId(name, uid);
  const attrs = made.attrs();
  return operations.run(operation, { model: name, uids: [uid], signal }, async () => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      // The usual race is over after one more attempt; a longer one lets other work of the process go on.
      if (attempt > 1) await setTimeout(backoffDelay(attempt, BACKOFF.contention));
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
      const obj = made.create();
      assignAttributes(obj, attrs);
      const record = objects.recordOf(obj);
      const [existing] = await backend.insertRecords(name, [record], signal);
      if (existing === undefined) {
        objects.bind(obj);
        return [obj, true];
      }
      ({ uid } = record); // Attributes may be part of it, in a class that makes its own.
    }
    throw new ObjectStoreException(
      `${String(store)}: ${name} "${uid}" was added and removed by others at each of ${MAX_ATTEMPTS} attempts to change or add ` +
        `it; it was left alone`,
      { code: 'STORE_CONTENTION' },
    );
  });
}
