import { inspect } from 'node:util';
import {
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
import { copyRecord, fromRecord, toRecord, type ModelRecord } from '../record/model-record.js';
import { ModelRegistry } from '../model/model-registry.js';
import { createViewer, type ObjectView } from '../record/record-view.js';
import { findReservedField, validateRecord } from '../record/record-validation.js';
import { checkRecordSize } from '../record/record-size.js';
import { EncodedRecord, toEncodedRecord } from '../record/encoded-record.js';
import { checkUniqueId } from '../model/unique-id.js';
import { isDeepEqual } from '../values/deep-equal.js';
import { mapYielding } from '../async/event-loop.js';
import type { ModelRef, ObjectOf } from './model-ref.js';
import type { InsertConflict } from './write-behind.js';

/** Objects whose records are made at once; more leave room for others in between. */
export const SYNC_LIMIT = 1000;

/** How a store keeps records, as its `BaseStore` says. */
export interface MapperOptions {
  /** Begins the message of an error. */
  toString(): string;
  maxObjectBytes(): number;
  sharesRecords(): boolean;
  keepsTexts(): boolean;
  encodesInTurn(): boolean;
}

/** Objects of one model, and by position their records. */
interface ModelGroup {
  readonly model: string;
  readonly group: readonly DiffSyncModel[];
  readonly records: readonly ModelRecord[];
}

/** The objects of one store and their records: each is made of the other, by the classes that the store knows. */
export class ObjectMapper {
  readonly registry = new ModelRegistry();
  /** The adapter that the objects belong to. */
  host: ModelHost | undefined;

  /** @param links told of changes to the child lists of objects that belong to the adapter. */
  constructor(
    private readonly store: MapperOptions,
    private readonly links: ChildLinkRecorder,
  ) {}

  /** By the names of their models. */
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
   * All objects are checked before the first is written. Few at once, so that calls which nobody awaits keep their order;
   * more with room for others.
   */
  recordsByModel(objs: readonly DiffSyncModel[]): readonly ModelGroup[] | Promise<readonly ModelGroup[]> {
    const groups = [...this.byModel(objs)];
    if (objs.length <= SYNC_LIMIT) {
      return groups.map(([model, group]) => ({ model, group, records: group.map((obj) => this.recordOf(obj)) }));
    }
    const recordOf = (obj: DiffSyncModel): ModelRecord =>
      this.store.encodesInTurn() ? toLazyRecord(obj, this.store.maxObjectBytes()) : this.recordOf(obj);
    return Promise.all(
      groups.map(async ([model, group]) => ({ model, group, records: await mapYielding(group, recordOf) })),
    );
  }

  /** @throws ValueError for what no store can keep, or this one may not. */
  recordOf(obj: DiffSyncModel): ModelRecord {
    const record = this.store.keepsTexts() ? toEncodedRecord(obj) : toRecord(obj);
    checkRecordSize(obj.getType(), record, this.store.maxObjectBytes());
    return record;
  }

  /** The name of the object's model; its class is remembered, unless another one has the name. */
  nameOfObject(obj: DiffSyncModel): string {
    return this.nameOf(classOf(obj));
  }

  /** As `learn`, of whatever names a model. @throws ValueError for a text that is no model name. */
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

  /** @throws ValueError for what is no unique id, or identifiers of a model whose class is not known. */
  uidOf(model: ModelRef, identifier: string | object): string {
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
    return known.createUniqueId(identifier as never);
  }

  toObject<R extends ModelRef>(model: R, record: ModelRecord): ObjectOf<R> {
    return this.builder(model)(record);
  }

  /** Makes objects of a model's records. */
  builder<R extends ModelRef>(model: R): (record: ModelRecord) => ObjectOf<R> {
    let known: ModelClass | undefined;
    return (record) => {
      const obj = this.hydrate((known ??= this.builtBy(model)), record);
      this.bind(obj);
      return obj as ObjectOf<R>;
    };
  }

  /** The class of the objects that are made of a model's records. */
  private builtBy(model: ModelRef): ModelClass {
    const known = this.classFor(model);
    if (known !== undefined) return known;
    throw new ValueError(
      `${String(this.store)}: no class is registered for the model name "${String(model)}"; pass the class, or list it ` +
        `in the models of the adapter`,
    );
  }

  /** @throws ObjectStoreException (STORE_CORRUPT) for a record that is no object of the class. */
  hydrate(model: ModelClass, record: ModelRecord): DiffSyncModel {
    this.checkFit(model, record);
    try {
      return fromRecord(model, this.own(record));
    } catch (error) {
      const reason = findReservedField(model, record);
      throw reason === undefined ? error : this.corrupt(model.modelName, record.uid, reason, error);
    }
  }

  /** Records that this process keeps are those that it made. */
  private checkFit(model: ModelClass, record: ModelRecord): void {
    if (this.store.sharesRecords()) return;
    const reason = validateRecord(model, record);
    if (reason !== undefined) throw this.corrupt(model.modelName, record.uid, reason);
  }

  /** Why a record is no object of its model, as far as that is known here; undefined when it is one. */
  validateRecord(model: string, record: ModelRecord): string | undefined {
    const known = this.registry.get(model);
    return known && (validateRecord(known, record) ?? findReservedField(known, record));
  }

  /** The error for an object that is damaged. */
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

  /** What comparisons see of a model's records; an object is made of those that somebody asks for more. */
  viewer(model: string): (record: ModelRecord) => ObjectView {
    const known = this.registry.get(model);
    const build = (record: ModelRecord): DiffSyncModel =>
      this.toObject(model, this.store.sharesRecords() ? record : copyRecord(record));
    if (known === undefined) return build;
    const viewOf = createViewer(known, build);
    const check = (record: ModelRecord): void => this.checkFit(known, record);
    return (record) => {
      // What nobody asks for needs no look.
      if (record instanceof EncodedRecord) record.onDecoded(check);
      else check(record);
      return viewOf(record);
    };
  }

  /** A record that may be given away. */
  own(record: ModelRecord): ModelRecord {
    return this.store.sharesRecords() ? copyRecord(record) : record;
  }

  /** Makes it an object of the adapter, unless it is one of another. */
  bind(obj: DiffSyncModel): void {
    if (this.host !== undefined && (obj.adapter === undefined || obj.adapter === this.host)) {
      bindModel(obj, this.host, this.links);
    }
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
      this.toObject(known, copyRecord(existing)), // It may be what the backend keeps.
    );
  }
}
