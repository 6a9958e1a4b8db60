import { inspect } from 'node:util';
import {
  DiffSyncError,
  ObjectAlreadyExists,
  ObjectNotFound,
  ObjectStoreException,
  ValueError,
  type StoreErrorCode,
} from '../errors.js';
import { bindModel, type ChildLinkRecorder, type DiffSyncModel, type ModelHost } from '../model/diffsync-model.js';
import { classOf, type ModelClass } from '../model/model-class.js';
import { toLazyRecord } from '../record/lazy-record.js';
import { isModelName, shown } from '../model/model-definition.js';
import { completeRecord, copyRecord, fromRecord, toRecord, type ModelRecord } from '../record/model-record.js';
import { ModelRegistry } from '../model/model-registry.js';
import { uniqueIdOf } from '../model/identity.js';
import { isSameRecord } from '../record/record-equality.js';
import { createViewer, type StoredView } from '../record/record-view.js';
import { findReservedField, validateRecord } from '../record/record-validation.js';
import { checkRecordSize } from '../record/record-size.js';
import { toEncodedRecord } from '../record/encoded-record.js';
import { checkUniqueId } from '../model/unique-id.js';
import { isDeepEqual } from '../values/deep-equal.js';
import { mapYielding, SYNC_LIMIT } from '../async/event-loop.js';
import type { ModelRef, ObjectOf } from './model-ref.js';
import type { InsertConflict, StoreCapabilities } from './store-backend.js';

/** Objects of one model, and by position their records. */
interface ModelGroup {
  readonly model: string;
  readonly group: readonly DiffSyncModel[];
  readonly records: readonly ModelRecord[];
}

/** Maps objects of one store to records and back, by the classes that the store knows. */
export class ObjectMapper {
  readonly registry = new ModelRegistry();
  /** The adapter that objects are bound to. */
  host: ModelHost | undefined;

  /**
   * @param store - names the store in error messages.
   * @param capabilities - returns what the backend can do; a store has no capabilities yet while it is constructed.
   * @param links - is called with changes of the child lists of objects that belong to the adapter.
   */
  constructor(
    private readonly store: { toString(): string },
    private readonly maxObjectBytes: number,
    private readonly capabilities: () => StoreCapabilities,
    private readonly links: ChildLinkRecorder,
  ) {}

  /**
   * Makes the adapter the one that objects are bound to, and its models the classes of their names.
   * A newer adapter of one class and name takes the place of the older one, as a request scope or a test makes them; the
   * objects that the older one has stay its own.
   * @throws {ObjectStoreException} (STORE_ALREADY_BOUND): two adapters in one store would overwrite each other's objects.
   */
  bindHost(adapter: ModelHost, models: readonly ModelClass[]): void {
    const { host } = this;
    if (host !== undefined && !isSuccessor(host, adapter)) {
      throw new ObjectStoreException(
        `${String(this.store)} already serves the adapter "${host.name}" and cannot serve "${adapter.name}" too: give each ` +
          `adapter a store of its own, in Nest with DiffSyncStoreModule.forFeature(['…', '…']) and @InjectStore('…')`,
        { code: 'STORE_ALREADY_BOUND' },
      );
    }
    this.host = adapter;
    for (const model of models) this.registry.register(model);
  }

  /** Returns models, those of parents before those of their children. */
  parentsFirst(models: readonly string[]): readonly string[] {
    return this.registry.parentsFirst(models);
  }

  /** Groups objects by the names of their models. */
  byModel(objs: readonly DiffSyncModel[]): Map<string, DiffSyncModel[]> {
    const groups = new Map<string, DiffSyncModel[]>();
    for (const obj of objs) {
      const model = this.nameOfObject(obj);
      const group = groups.get(model);
      if (group === undefined) groups.set(model, [obj]);
      else group.push(obj);
    }
    return groups;
  }

  /**
   * Makes the records of objects, so that all objects are checked before the first is written. Up to `SYNC_LIMIT` objects
   * are converted synchronously, so that calls which are not awaited keep their order; more yield to the event loop.
   */
  recordsByModel(objs: readonly DiffSyncModel[]): readonly ModelGroup[] | Promise<readonly ModelGroup[]> {
    const groups = [...this.byModel(objs)];
    if (objs.length <= SYNC_LIMIT) {
      return groups.map(([model, group]) => ({ model, group, records: group.map((obj) => this.recordOf(obj)) }));
    }
    const recordOf = (obj: DiffSyncModel): ModelRecord =>
      this.capabilities().encodesLazily === true ? toLazyRecord(obj, this.maxObjectBytes) : this.recordOf(obj);
    return Promise.all(
      groups.map(async ([model, group]) => ({ model, group, records: await mapYielding(group, recordOf) })),
    );
  }

  /** Makes the record of an object. @throws {ValueError} for a value that no store can keep, or one above `maxObjectBytes`. */
  recordOf(obj: DiffSyncModel): ModelRecord {
    const { maxObjectBytes } = this;
    const record =
      this.capabilities().keepsText === true ? toEncodedRecord(obj, maxObjectBytes) : toRecord(obj, maxObjectBytes);
    this.checkSize(obj.getType(), record);
    return record;
  }

  /** @throws {ValueError} for a record above `maxObjectBytes`. */
  checkSize(model: string, record: ModelRecord): void {
    checkRecordSize(model, record, this.maxObjectBytes);
  }

  /** Returns the name of the object's model, and registers its class unless another one has the name. */
  nameOfObject(obj: DiffSyncModel): string {
    return this.nameOf(classOf(obj));
  }

  /** Returns the model name of a class, an instance or a name. @throws {ValueError} for a string that is no model name. */
  nameOf(model: ModelRef): string {
    const known = typeof model === 'string' ? model : typeof model === 'function' ? model : classOf(model);
    if (typeof known === 'string') {
      if (!isModelName(known)) throw new ValueError(`${shown(known)} is not a model name`);
      return known;
    }
    this.registry.learn(known);
    return known.modelName;
  }

  private classFor(model: ModelRef): ModelClass | undefined {
    if (typeof model === 'string') return this.registry.get(model);
    return this.registry.resolve(typeof model === 'function' ? model : classOf(model));
  }

  /**
   * Returns a unique id; a promise of it where the model's schema is asynchronous. Identifiers are those of the object that the
   * schema makes of them.
   * @throws {ValueError} for a string that is none, or identifiers of a model without a known class.
   */
  uidOf(model: ModelRef, identifier: string | object): string | Promise<string> {
    const name = this.nameOf(model);
    if (typeof identifier === 'string') {
      checkUniqueId(name, identifier);
      return identifier;
    }
    const known = this.classFor(model);
    if (known === undefined) {
      throw new ValueError(
        `${String(this.store)}: no class is registered for the model name "${name}", so its identifiers are not known; ` +
          `pass the class, or a unique id`,
      );
    }
    return uniqueIdOf(known, identifier);
  }

  toObject<R extends ModelRef>(model: R, record: ModelRecord): ObjectOf<R> {
    return this.builder(model)(record);
  }

  /** Returns a function that makes objects of a model's records. */
  builder<R extends ModelRef>(model: R): (record: ModelRecord) => ObjectOf<R> {
    let known: ModelClass | undefined;
    return (record) => {
      const obj = this.hydrate((known ??= this.classToBuild(model)), record);
      this.bind(obj);
      return obj as ObjectOf<R>;
    };
  }

  /** @throws {ValueError} for a model without a known class. */
  private classToBuild(model: ModelRef): ModelClass {
    const known = this.classFor(model);
    if (known !== undefined) return known;
    throw new ValueError(
      `${String(this.store)}: no class is registered for the model name "${String(model)}"; pass the class, or list it ` +
        `in the models of the adapter`,
    );
  }

  /** Makes an object, bound to no adapter. @throws {ObjectStoreException} (STORE_CORRUPT) for a record that is none. */
  hydrate(model: ModelClass, stored: ModelRecord): DiffSyncModel {
    const record = completeRecord(model.definition, stored);
    this.checkRecord(model, record);
    try {
      return fromRecord(model, this.own(record));
    } catch (error) {
      const reason = findReservedField(model, record);
      if (reason !== undefined) throw this.corrupt(model.modelName, record.uid, reason, error);
      if (error instanceof DiffSyncError) throw error;
      const message = error instanceof Error ? error.message : inspect(error);
      throw new ValueError(
        `${String(this.store)}: the class ${model.name} makes no object of ${model.modelName} "${record.uid}": ${message}`,
        { cause: error },
      );
    }
  }

  /** Records that are shared were made by this process, so they need no check. */
  private checkRecord(model: ModelClass, record: ModelRecord): void {
    if (this.capabilities().sharesRecords === true) return;
    const reason = validateRecord(model, record);
    if (reason !== undefined) throw this.corrupt(model.modelName, record.uid, reason);
  }

  /** Returns why a record is no object of its model, or undefined where it is one or the class is not known. */
  validateRecord(model: string, record: ModelRecord): string | undefined {
    const known = this.registry.get(model);
    if (known === undefined) return undefined;
    const complete = completeRecord(known.definition, record);
    return validateRecord(known, complete) ?? findReservedField(known, complete);
  }

  /** Whether a stored record and that of an object are equal once both are read back. */
  isSame(obj: DiffSyncModel, stored: ModelRecord, record: ModelRecord): boolean {
    if (isSameRecord(stored, record)) return true;
    const { definition } = classOf(obj);
    const [before, after] = [completeRecord(definition, stored), completeRecord(definition, record)];
    return (before !== stored || after !== record) && isSameRecord(before, after);
  }

  /** Returns the error for a stored object that is damaged. */
  corrupt(
    model: string,
    uid: string,
    reason: string,
    cause?: unknown,
    code: StoreErrorCode = 'STORE_CORRUPT',
  ): ObjectStoreException {
    return new ObjectStoreException(
      `${String(this.store)} is damaged: ${model} "${uid}" ${reason}. verify() lists all that is wrong`,
      { code, ...(cause === undefined ? {} : { cause }) },
    );
  }

  /** Returns a function that makes views of records for comparisons; an object is built where a comparison needs it. */
  viewer(model: string): (record: ModelRecord) => StoredView {
    const known = this.registry.get(model);
    const { sharesRecords } = this.capabilities();
    const build = (record: ModelRecord): DiffSyncModel =>
      this.toObject(model, sharesRecords === true ? record : copyRecord(record));
    if (known === undefined) return build;
    // Records that are shared were made by this process, so they need no check.
    return createViewer(known, build, sharesRecords === true ? undefined : (record) => this.checkRecord(known, record));
  }

  /** Returns a record that the caller may keep: a copy of one that the backend shares. */
  own(record: ModelRecord): ModelRecord {
    return this.capabilities().sharesRecords === true ? copyRecord(record) : record;
  }

  /** Binds an object to the adapter, unless it belongs to another. */
  bind(obj: DiffSyncModel): void {
    if (this.host !== undefined && (obj.adapter === undefined || obj.adapter === this.host)) {
      bindModel(obj, this.host, this.links);
    }
  }

  /** Binds an object to an adapter that the store serves, or has served before another one of its class and name. */
  bindFor(host: ModelHost, obj: DiffSyncModel): void {
    if (obj.adapter === undefined || obj.adapter === this.host) bindModel(obj, host, this.links);
  }

  unbind(obj: DiffSyncModel): void {
    if (obj.adapter === this.host) bindModel(obj, undefined, undefined);
  }

  notFound(model: string, uid: string): ObjectNotFound {
    return new ObjectNotFound(`${model} ${uid} not present in ${String(this.store)}`);
  }

  alreadyExists({ model, record, existing }: InsertConflict, conflicts: number): ObjectAlreadyExists {
    const known = this.registry.get(model) as ModelClass;
    const others = conflicts > 1 ? `; ${conflicts - 1} more of this call likewise` : '';
    const ids = (data: Readonly<Record<string, unknown>>): unknown[] =>
      known.definition.identifiers.map((key) => data[key]);
    const alike = isDeepEqual(ids(existing.data), ids(record.data))
      ? `its other fields differ; update() replaces it`
      : `its identifiers ${inspect(ids(existing.data))} and the new object's ${inspect(ids(record.data))} join to the same ` +
        `unique id`;
    return new ObjectAlreadyExists(
      `Object ${record.uid} already present in ${String(this.store)} as a different ${model}: ${alike}${others}`,
      this.toObject(known, copyRecord(existing)), // The backend may share it.
    );
  }
}

/** Whether an adapter may take the place of another one. Classes by name: a reloaded module has a new class. */
function isSuccessor(host: ModelHost, adapter: ModelHost): boolean {
  return host === adapter || (host.name === adapter.name && host.type === adapter.type);
}
