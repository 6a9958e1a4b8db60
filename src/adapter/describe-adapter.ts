import { overridesChildren } from '../model/class-inspection.js';
import { describeModel, ownText, ShownObjects, type Description } from '../model/describe-model.js';
import { DiffSyncModel, type ModelHost } from '../model/diffsync-model.js';
import { childUids } from '../model/model-fields.js';
import type { ModelClass } from '../model/model-class.js';
import type { BaseStore } from '../store/base-store.js';

/** What a description needs to know of an adapter. */
interface DescribedAdapter extends ModelHost {
  readonly topLevel: readonly string[];
  readonly store: BaseStore;
  readonly modelClasses: ReadonlyMap<string, ModelClass>;
}

/** Yields the text of `Adapter.str`, one or several lines at a time. Each object is in it once, below its parent if it has one. */
export async function* describeAdapter(
  adapter: DescribedAdapter,
  indent: number,
): AsyncGenerator<string, void, undefined> {
  const shown = new ShownObjects();
  const { str } = DiffSyncModel.prototype;
  const description: Description = { adapter, includeChildren: true, str, shown };
  const listed = await listedTopLevel(adapter);
  const margin = ' '.repeat(indent);
  for (const model of adapter.topLevel) {
    const below = listed.get(model);
    let [count, roots] = [0, 0];
    for await (const obj of adapter.store.iterate({ model })) {
      count++;
      const uid = obj.getUniqueId();
      if (below?.has(uid) === true || shown.all.has(`${model} ${uid}`)) continue;
      if (roots++ === 0) yield `${margin}${model}`;
      yield* describe(obj, description, indent + 2);
    }
    if (roots === 0) yield `${margin}${model}${count === 0 ? ': []' : ': all are below others'}`;
  }
  // What is not reached from any root is listed in a cycle, or by what is.
  for (const [model, uids] of listed) {
    if (uids.size === 0) continue;
    let cycles = 0;
    for await (const obj of adapter.store.iterate({ model })) {
      if (shown.all.has(`${model} ${obj.getUniqueId()}`)) continue;
      if (cycles++ === 0) yield `${margin}${model} (not below any of the above)`;
      yield* describe(obj, description, indent + 2);
    }
  }
}

async function* describe(
  obj: DiffSyncModel,
  description: Description,
  indent: number,
): AsyncGenerator<string, void, undefined> {
  if (obj.str === description.str) yield* describeModel(obj, description, indent);
  else yield await ownText(obj, description.shown, indent);
}

/** Returns the unique ids of objects that others list, of those top-level models that are children too. */
async function listedTopLevel({
  topLevel,
  store,
  modelClasses,
}: DescribedAdapter): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const listed = new Map<string, Set<string>>();
  for (const [model, modelClass] of modelClasses) {
    const lists = Object.keys(modelClass.getChildrenMapping()).some((type) => topLevel.includes(type));
    if (!lists && !overridesChildren(modelClass, DiffSyncModel)) continue;
    for await (const obj of store.iterate({ model })) {
      for (const [type, field] of Object.entries(obj.getChildrenMapping())) {
        if (!topLevel.includes(type)) continue;
        const uids = listed.get(type) ?? new Set<string>();
        listed.set(type, uids);
        for (const uid of childUids(obj, field)) if (!(type === model && uid === obj.getUniqueId())) uids.add(uid);
      }
    }
  }
  return listed;
}
