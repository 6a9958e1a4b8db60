import { Pace } from '../async/event-loop.js';
import { ModelValidationError } from '../errors.js';
import type { ModelClass } from '../model/model-class.js';
import { completeModel, parseModel } from '../model/construction.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import { omitDefaults } from '../model/schema-defaults.js';
import type { BaseStore } from '../store/base-store.js';
import { setOwn } from '../values/own-property.js';
import { visibleText } from '../values/visible-text.js';

/** An adapter's objects as plain values: model name, then unique id, then fields; `modelFlags` is one of them if it matters. */
export type AdapterDict = Record<string, Record<string, Readonly<Record<string, unknown>>>>;

/** The objects of one model by unique id, or as pairs of a unique id and fields, which keep their order. */
export type ObjectsToLoad = Readonly<Record<string, object>> | readonly (readonly [uid: string, fields: object])[];

/** What `loadFromDict` takes: the objects by model name. */
export type DictToLoad = Readonly<Record<string, ObjectsToLoad | undefined>>;

function* pairsOf(objects: ObjectsToLoad): Generator<readonly [uid: string, fields: object], void, undefined> {
  if (Array.isArray(objects)) yield* objects as readonly (readonly [string, object])[];
  else
    for (const uid of Object.keys(objects)) yield [uid, (objects as Readonly<Record<string, object>>)[uid] as object];
}

/** Returns all objects of a store as plain values. */
export async function storeToDict(store: BaseStore, excludeDefaults: boolean): Promise<AdapterDict> {
  const models: AdapterDict = {};
  for (const model of await store.getAllModelNames()) {
    const objects: AdapterDict[string] = {};
    for await (const obj of store.iterate({ model })) {
      const { modelFlags } = obj;
      const fields = excludeDefaults ? await omitDefaults(obj, obj.toDict()) : { ...obj.toDict(), modelFlags };
      setOwn(objects, obj.getUniqueId(), fields);
    }
    setOwn(models, model, objects);
  }
  return models;
}

/** Objects that are made before they are added. */
const ADDED_AT_ONCE = 5000;

/**
 * Makes objects of one model and adds them to a store.
 * @param parsed - whether the fields are the schema's output, so that they are not validated again.
 * @throws the first failure, after the objects before it are added.
 */
export async function loadModelFromDict(
  store: BaseStore,
  model: ModelClass,
  all: ObjectsToLoad,
  parsed: boolean,
): Promise<void> {
  const pending = new Map<string, DiffSyncModel>();
  const pace = new Pace();
  const addPending = async (): Promise<void> => {
    const objs = [...pending.values()];
    pending.clear();
    await store.addMany({ objs });
  };
  try {
    for (const [key, fields] of pairsOf(all)) {
      const due = pace.yieldIfDue();
      if (due !== undefined) await due;
      const { modelFlags, ...input } = fields as { modelFlags?: number };
      const obj = await makeModel(model, key, input, parsed);
      if (modelFlags !== undefined) obj.modelFlags = modelFlags;
      const uid = obj.getUniqueId();
      if (pending.has(uid)) {
        await addPending();
        await store.add({ obj });
      } else pending.set(uid, obj);
      if (pending.size === ADDED_AT_ONCE) await addPending();
    }
  } finally {
    await addPending();
  }
}

/** @throws ModelValidationError that names the object, by the unique id that the dict has for it where its fields do not. */
async function makeModel(model: ModelClass, key: string, input: object, parsed: boolean): Promise<DiffSyncModel> {
  try {
    return parsed ? completeModel(model, input as Record<string, unknown>) : await parseModel(model, input);
  } catch (error) {
    if (!(error instanceof ModelValidationError) || error.message.includes(visibleText(key))) throw error;
    throw new ModelValidationError(`${model.modelName} "${key}" of the dict: ${error.message}`, error.issues, {
      cause: error,
    });
  }
}
