import { z } from 'zod';
import { DiffSyncModel, type DiffSyncLogger, type LogParams, type ModelClass } from '../../src/index.js';
import type {
  HookCall,
  LogLine,
  RecordedField,
  RecordedHook,
  RecordedModel,
  RecordedObject,
} from './recorded-cases.js';
import { crudErrors } from './facts.js';

/** Field -> value, as data goes in and comes out. */
export type Fields = Readonly<Record<string, unknown>>;

/** A platform hook of a target's model is recorded before it runs, and may be made to fail. */
export interface HookRecorder {
  readonly calls: HookCall[];
  readonly behaviours: readonly RecordedHook[];
}

export function buildModels(models: readonly RecordedModel[], hooks?: HookRecorder): Map<string, ModelClass> {
  return new Map(
    models.map((model) => {
      const plain = define(model);
      return [model.name, hooks === undefined ? plain : withHooks(plain, hooks)];
    }),
  );
}

export function buildObject(
  models: ReadonlyMap<string, ModelClass>,
  { model, data, flags }: RecordedObject,
): DiffSyncModel {
  const known = models.get(model);
  if (known === undefined) throw new Error(`the case has no model ${model}`);
  const obj = new known(data as never);
  if (flags !== undefined) obj.modelFlags = flags;
  return obj;
}

/** Not `structuredClone`, whose arrays are not those of the test's own realm. */
export function copyJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** All fields of an object, `modelFlags` not among them. */
export function fieldsOf(obj: DiffSyncModel): Fields {
  const { modelFlags: _, ...fields } = obj.toDict();
  return fields;
}

/** Attributes are given in the order of the fields: that order decides in the reference, whatever `_attributes` says. */
function define({ name, identifiers, attributes, children, shortname, fields, modelFlags }: RecordedModel): ModelClass {
  const order = Object.keys(fields);
  // The compiler knows no field of a recorded model, so the names are checked when `define` runs.
  const options = {
    name,
    schema: z.object(Object.fromEntries(order.map((field) => [field, schemaOf(fields[field] as RecordedField)]))),
    identifiers,
    attributes: attributes.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)),
    children,
    shortname,
    ...(modelFlags === undefined ? {} : { modelFlags }),
  };
  return DiffSyncModel.define(options as never);
}

function schemaOf({ type, optional = false, default: fallback }: RecordedField): z.ZodType {
  const kinds: Readonly<Record<RecordedField['type'], z.ZodType>> = {
    string: z.string(),
    number: z.number(),
    boolean: z.boolean(),
    'string[]': z.array(z.string()),
    json: z.unknown(),
  };
  const kind = optional ? z.nullable(kinds[type]) : kinds[type];
  if (fallback !== undefined) return z._default(kind, () => copyJson(fallback));
  return optional ? z._default(kind, null) : kind;
}

function withHooks(model: ModelClass, { calls, behaviours }: HookRecorder): ModelClass {
  const base = model as unknown as typeof DiffSyncModel & (new (input: unknown) => DiffSyncModel);
  const type = model.modelName;
  /** Records the call, and does what the case wants of it instead of, or around, the default. */
  async function hooked<M>(call: HookCall, standard: () => Promise<M>): Promise<M | null> {
    calls.push(copyJson(call));
    const { on, uniqueId } = call;
    const chosen = behaviours.find((each) => each.on === on && each.model === type && each.uniqueId === uniqueId);
    const message = `hook ${on} ${type} ${uniqueId}`;
    switch (chosen?.behaviour) {
      case 'raise':
        throw new crudErrors[on](message);
      case 'crash':
        throw new Error(message);
      case 'none':
        return null;
      case 'applyThenNone':
        await standard();
        return null;
      default:
        return standard();
    }
  }
  class Hooked extends base {
    static override async create(context: Parameters<ModelClass['create']>[0]): Promise<DiffSyncModel | null> {
      const { ids, attrs } = context;
      const uniqueId = this.createUniqueId(ids);
      return hooked({ on: 'create', model: type, uniqueId, ids, attrs }, () => super.create(context));
    }

    override async update(attrs: Record<string, unknown>): Promise<this | null> {
      return hooked({ on: 'update', model: type, uniqueId: this.getUniqueId(), attrs }, () => super.update(attrs));
    }

    override async delete(): Promise<this | null> {
      return hooked({ on: 'delete', model: type, uniqueId: this.getUniqueId(), attrs: {} }, () => super.delete());
    }
  }
  return Hooked;
}

const LOGGED = ['action', 'model', 'uniqueId', 'status', 'childType', 'childId', 'parentType', 'parentId'] as const;

const DIFF_AND_SYNC = ['Beginning diff calculation', 'Diff calculation complete', 'Beginning sync'];

/**
 * Keeps the lines that the reference writes too, at the reference's levels: of a sync we write its summary at info, what the
 * reference says of diff and sync beside it at debug, and lines about objects at verbose. Lines of stores' operations and of models are
 * ours alone.
 */
export class RecordingLogger implements DiffSyncLogger {
  lines: LogLine[] = [];

  isEnabled(): boolean {
    return true;
  }

  verbose(message: string, params?: LogParams): void {
    this.keep(params?.status === 'success' && params.action !== null ? 'info' : 'debug', message, params);
  }

  debug(message: string, params?: LogParams): void {
    if (message === 'Model complete') return;
    this.keep(DIFF_AND_SYNC.includes(message) ? 'info' : 'debug', message, params);
  }

  info(message: string, params?: LogParams): void {
    this.keep('info', message, params);
  }

  warning(message: string, params?: LogParams): void {
    this.keep('warning', message, params);
  }

  error(message: string, params?: LogParams): void {
    this.keep('error', message, params);
  }

  private keep(level: LogLine['level'], event: string, params: LogParams = {}): void {
    if (event.startsWith('store ')) return;
    const about = LOGGED.filter((name) => Object.hasOwn(params, name)).map((name) => [name, params[name]]);
    this.lines.push({ level, event, ...(Object.fromEntries(about) as Fields) });
  }
}
