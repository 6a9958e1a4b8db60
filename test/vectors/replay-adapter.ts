import { inspect } from 'node:util';
import { Adapter, type BaseStore, type DiffSyncModel, type ModelClass } from '../../src/index.js';
import { buildModels, buildObject, type Fields } from './recorded-models.js';
import type { AdapterCase, AdapterFacts, ByModel } from './recorded-cases.js';
import { contents, outcome } from './replay-sync.js';

type Facts = AdapterFacts<unknown>;

/** Fills an adapter, reads its other forms, and loads them into a second one. */
export async function replayAdapter(recorded: AdapterCase, store: BaseStore, second: BaseStore): Promise<Facts> {
  let models: Map<string, ModelClass>;
  let adapter: Adapter;
  let loaded: Adapter;
  try {
    models = buildModels(recorded.models);
    class ExampleAdapter extends Adapter {
      static override readonly models = [...models.values()];
      static override readonly topLevel = recorded.topLevel;
    }
    adapter = new ExampleAdapter({ store, name: recorded.name });
    loaded = new ExampleAdapter({ store: second, name: recorded.name });
  } catch (definitionError) {
    return { definitionError };
  }
  for (const object of recorded.objects) await adapter.add(buildObject(models, object));
  const dict = await adapter.toDict();
  const dictFull = await adapter.toDict({ excludeDefaults: false });
  const objects: DiffSyncModel[] = [];
  for (const model of await adapter.getAllModelNames()) objects.push(...(await adapter.getAll(model)));

  const { error } = await outcome(() => loaded.loadFromDict(rename(recorded.loadFromDict ?? dict, FLAGS)));
  const loadedContents = await contents(loaded);
  return {
    definitionError: null,
    display: { str: String(adapter), repr: inspect(adapter) },
    treeString: adapter.getTreeTraversal(),
    treeDict: adapter.getTreeTraversal(true),
    len: await adapter.count(),
    dict: rename(dict, FLAGS_BACK),
    dictFull: rename(dictFull, FLAGS_BACK),
    // Recorded only where it holds no spelling that is Python's own.
    str: recorded.expected.str === null ? null : await adapter.str(),
    strPython: await adapter.str(),
    models: objects.map((obj) => ({
      model: obj.getType(),
      uniqueId: obj.getUniqueId(),
      shortname: obj.getShortname(),
      identifiers: obj.getIdentifiers(),
      attrs: obj.getAttrs(),
      attrsOrder: Object.keys(obj.getAttrs()),
      repr: inspect(obj),
    })),
    loadFromDict: {
      error,
      contents: loadedContents.fields,
      order: loadedContents.order,
      ...(loadedContents.flags === undefined ? {} : { flags: loadedContents.flags }),
    },
    ...(recorded.loadFromDict === undefined
      ? { roundTripEqual: inspect(await loaded.toDict(), DEEP) === inspect(dict, DEEP) }
      : {}),
  };
}

const DEEP = { depth: Infinity, sorted: true };
const FLAGS = ['model_flags', 'modelFlags'] as const;
const FLAGS_BACK = ['modelFlags', 'model_flags'] as const;

function rename(dict: ByModel<Fields>, [from, to]: readonly [string, string]): Record<string, Record<string, Fields>> {
  const renamed = (fields: Fields): Fields =>
    Object.fromEntries(Object.entries(fields).map(([field, value]) => [field === from ? to : field, value]));
  return Object.fromEntries(
    Object.entries(dict).map(([model, objects]) => [
      model,
      Object.fromEntries(Object.entries(objects).map(([uid, fields]) => [uid, renamed(fields)])),
    ]),
  );
}
