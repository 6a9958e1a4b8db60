import { Adapter, type BaseStore, type DiffSyncModel, type ModelClass, type ModelRef } from '../../src/index.js';
import { buildModels, buildObject, copyJson, fieldsOf, RecordingLogger } from './recorded-models.js';
import type { OperationFacts, ShownObject, StoreCase, StoreOperation } from './recorded-cases.js';

/** What a case showed: its operations' results, or the error of a definition that we refuse. */
export type StoreReplay =
  | { readonly definitionError: unknown }
  | { readonly results: readonly OperationFacts<unknown>[] };

/** Runs the operations of a case, in order, on an adapter with this store. */
export async function replayStore(recorded: StoreCase, store: BaseStore): Promise<StoreReplay> {
  let models: Map<string, ModelClass>;
  try {
    models = buildModels(recorded.models);
  } catch (definitionError) {
    return { definitionError };
  }
  class TheAdapter extends Adapter {
    static override readonly models = [...models.values()];
    static override readonly topLevel = recorded.topLevel;
  }
  const logger = new RecordingLogger();
  const replay = new Replay(new TheAdapter({ store, logger }), models);
  const results: OperationFacts<unknown>[] = [];
  for (const operation of recorded.ops) {
    let result: OperationFacts<unknown>;
    try {
      result = { ok: (await replay.run(operation)) ?? null };
    } catch (error) {
      result = { error };
    }
    const logs = logger.lines.splice(0);
    results.push(logs.length === 0 ? result : { ...result, logs });
  }
  return { results };
}

class Replay {
  private readonly handles = new Map<string, DiffSyncModel>();

  constructor(
    private readonly adapter: Adapter,
    private readonly models: ReadonlyMap<string, ModelClass>,
  ) {}

  async run(operation: StoreOperation): Promise<unknown> {
    const { adapter } = this;
    switch (operation.op) {
      case 'new':
        return this.show(this.keep(operation.as, buildObject(this.models, operation)));
      case 'add':
      case 'update':
        return adapter[operation.op](this.handle(operation.obj));
      case 'remove':
        return adapter.remove(this.handle(operation.obj), operation.removeChildren);
      case 'removeItem': // Ours removes objects; one that is not there fails in `get` with the same error.
        return adapter.remove(await adapter.get(operation.model, operation.uniqueId));
      case 'get':
      case 'getOrNone': {
        const obj = await adapter[operation.op](this.ref(operation) as string, operation.identifier);
        return obj && this.show(this.keep(operation.as, obj));
      }
      case 'getAll':
        return (await adapter.getAll(this.ref(operation))).map((obj) => this.show(obj));
      case 'getByUids':
        return (await adapter.getByUids(operation.uids, this.ref(operation))).map((obj) => this.show(obj));
      case 'count':
        return adapter.count(
          operation.model === undefined ? undefined : this.ref({ ...operation, model: operation.model }),
        );
      case 'len':
        return adapter.count();
      case 'getAllModelNames':
        return adapter.getAllModelNames();
      case 'getOrInstantiate':
      case 'updateOrInstantiate': {
        const { op, model, ids, attrs, as } = operation;
        return this.showCreated(as, await adapter[op](this.model(model), ids as never, attrs as never));
      }
      case 'getOrAddModelInstance':
      case 'updateOrAddModelInstance':
        return this.showCreated(operation.as, await adapter[operation.op](this.handle(operation.obj)));
      case 'set':
        Object.assign(this.handle(operation.obj), { [operation.field]: copyJson(operation.value) });
        return null;
      case 'addChild':
      case 'removeChild':
        return this.handle(operation.parent)[operation.op](this.handle(operation.child));
      case 'read':
        return this.show(this.handle(operation.obj));
      case 'bound':
        return this.handle(operation.obj).adapter === adapter;
      case 'same':
        return this.handle(operation.a) === this.handle(operation.b);
      case 'contents': {
        const all: [string, ShownObject[]][] = [];
        for (const model of await adapter.getAllModelNames()) {
          all.push([model, (await adapter.getAll(model)).map((obj) => this.show(obj))]);
        }
        return Object.fromEntries(all);
      }
    }
  }

  /** Shown at once: the instance may change later. */
  private show(obj: DiffSyncModel): ShownObject {
    const shown = { model: obj.getType(), uniqueId: obj.getUniqueId(), data: fieldsOf(obj) };
    return obj.modelFlags === 0 ? shown : { ...shown, flags: obj.modelFlags };
  }

  private showCreated(as: string | undefined, [obj, created]: [DiffSyncModel, boolean]): ShownObject {
    return { ...this.show(this.keep(as, obj)), created };
  }

  private keep(as: string | undefined, obj: DiffSyncModel): DiffSyncModel {
    if (as !== undefined) this.handles.set(as, obj);
    return obj;
  }

  private handle(name: string): DiffSyncModel {
    const obj = this.handles.get(name);
    if (obj === undefined) throw new Error(`the case has no handle ${name}`);
    return obj;
  }

  private model(name: string): ModelClass {
    const model = this.models.get(name);
    if (model === undefined) throw new Error(`the case has no model ${name}`);
    return model;
  }

  private ref(operation: { model: string; by?: 'class' | 'instance'; instance?: string }): ModelRef {
    if (operation.by === 'class') return this.model(operation.model);
    return operation.instance === undefined ? operation.model : this.handle(operation.instance);
  }
}
