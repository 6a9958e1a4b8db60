import { Injectable } from '@nestjs/common';
import {
  ObjectNotFound,
  SyncRunner,
  type Adapter,
  type BaseStore,
  type DiffSyncModel,
  type ModelClass,
  type RunChange,
  type UidPage,
} from '../index.js';
import type {
  ChildList,
  FieldView,
  ObjectChange,
  ObjectHistory,
  ObjectName,
  ObjectPage,
  ObjectView,
  ParentList,
} from './board-api.js';
import { Catalog } from './catalog.js';
import { shownChange, shownValue, shownValues } from './shown-values.js';

/** Unique ids that one request looks at in a search. */
const SEARCHED = 10_000;
const SEARCHED_AT_ONCE = 1000;
/** Objects that one request looks at to find parents. */
const PARENTS_READ = 2000;
const CHILDREN_SHOWN = 200;
const CHANGES_SHOWN = 200;

/** The fields of an object that are no data of its own. */
const FLAGS = 'modelFlags';

export interface ObjectPlace {
  readonly store: string;
  readonly model: string;
  readonly uid: string;
}

export interface ObjectSearch {
  readonly store: string;
  readonly model: string;
  readonly search?: string | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

/** The objects of the stores. Each request does a bounded amount of work, whatever the size of a store. */
@Injectable()
export class ObjectViews {
  constructor(
    private readonly catalog: Catalog,
    private readonly runner: SyncRunner,
  ) {}

  async page({ store: name, model, search = '', limit, after }: ObjectSearch): Promise<ObjectPage> {
    const { store } = this.catalog.store(name);
    const found =
      search === '' ? await store.uidPage({ model, limit, after }) : await searched(store, model, search, limit, after);
    const { uids, next = null } = found;
    if (this.catalog.classOf(store, model) === undefined) {
      return { model, objects: uids.map((uid) => ({ uid, fields: null })), next };
    }
    const secret = this.catalog.secrets().get(model);
    const objects = await store.find({ model, uids });
    const rows = objects.flatMap((object, at) => {
      const uid = uids[at];
      return object === undefined || uid === undefined ? [] : [{ uid, fields: shownValues(fieldsOf(object), secret) }];
    });
    return { model, objects: rows, next };
  }

  async one({ store: name, model, uid }: ObjectPlace): Promise<ObjectView> {
    const { store } = this.catalog.store(name);
    const known = this.catalog.classOf(store, model);
    // No store makes an object of a class that it does not know.
    if (known === undefined) {
      return { store: name, model, uid, fields: null, flags: 0, children: [], parents: { found: [], complete: false } };
    }
    const object = await this.read(store, model, uid);
    return {
      store: name,
      model,
      uid,
      fields: this.fields(known, model, object),
      flags: object.modelFlags,
      children: childrenOf(known, object),
      parents: await this.parents(store, model, uid),
    };
  }

  async history({ store: name, model, uid }: ObjectPlace): Promise<ObjectHistory> {
    const { store } = this.catalog.store(name);
    const secrets = this.catalog.secrets();
    const changes: ObjectChange[] = [];
    for (const target of this.catalog.adaptersOn(store)) {
      for (const change of await this.runner.history(target).ofObject(model, uid))
        changes.push({ ...shownChange(change, secrets), target: target.name });
    }
    return { changes: changes.slice(0, CHANGES_SHOWN), more: changes.length > CHANGES_SHOWN };
  }

  private async read(store: BaseStore, model: string, uid: string): Promise<DiffSyncModel> {
    const [object] = await store.find({ model, uids: [uid] });
    if (object !== undefined) return object;
    throw new ObjectNotFound(`The store has no ${model} "${uid}"`);
  }

  private fields({ definition }: ModelClass, model: string, object: DiffSyncModel): FieldView[] {
    const { identifiers, attributes, children } = definition;
    const secret = this.catalog.secrets().get(model);
    const values = fieldsOf(object);
    const lists = new Set(Object.values(children));
    const names = new Set([...identifiers, ...attributes, ...Object.keys(values)]);
    return [...names]
      .filter((name) => !lists.has(name))
      .map((name) => {
        const isSecret = secret?.has(name) === true;
        const kind = identifiers.includes(name) ? 'identifier' : attributes.includes(name) ? 'attribute' : 'other';
        const hasValue = Object.hasOwn(values, name) && values[name] !== undefined;
        return { name, kind, secret: isSecret, ...(isSecret || !hasValue ? {} : { value: shownValue(values[name]) }) };
      });
  }

  /** Which objects list an object is kept nowhere: those of the last runs are looked at first, and then so many others. */
  private async parents(store: BaseStore, model: string, uid: string): Promise<ParentList> {
    const found: ObjectName[] = [];
    const seen = new Set<string>();
    let complete = true;
    for (const adapter of this.catalog.adaptersOn(store)) {
      const lists = parentLists(adapter, model);
      if (lists.size === 0) continue;
      for (const parent of await this.parentsInRuns(adapter, model, uid)) {
        const field = lists.get(parent.model);
        if (field === undefined) continue;
        const [object] = await store.find({ model: parent.model, uids: [parent.uid] });
        if (object !== undefined && names(object, field, uid)) note(found, seen, parent);
      }
      let left = PARENTS_READ;
      for (const [parent, field] of lists) {
        for await (const object of store.iterate({ model: parent, batchSize: 500 })) {
          if (left-- === 0) break;
          if (names(object, field, uid)) note(found, seen, { model: parent, uid: object.getUniqueId() });
        }
        if (left < 0) complete = false;
        if (left <= 0) break;
      }
    }
    return { found, complete };
  }

  private async parentsInRuns(target: Adapter, model: string, uid: string): Promise<readonly ObjectName[]> {
    const changes: readonly RunChange[] = await this.runner.history(target).ofObject(model, uid);
    return changes.flatMap(({ parents }) => parents.slice(-1)).slice(0, 10);
  }
}

/**
 * Looks for unique ids with a text in them, as many as one request may look at. A page of a search goes on at a page of unique ids, behind
 * those of it that were found already.
 */
async function searched(
  store: BaseStore,
  model: string,
  search: string,
  limit: number,
  after: string | undefined,
): Promise<UidPage> {
  const [, skip = '0', place = ''] = /^(\d{1,5}),(.*)$/s.exec(after ?? '0,') ?? [];
  const uids: string[] = [];
  let [given, at] = [Number(skip), place];
  for (let looked = 0; looked < SEARCHED; looked += SEARCHED_AT_ONCE) {
    const page = await store.uidPage({ model, limit: SEARCHED_AT_ONCE, after: at === '' ? undefined : at });
    const matches = page.uids.filter((uid) => uid.includes(search)).slice(given);
    const taken = matches.slice(0, limit - uids.length);
    for (const uid of taken) uids.push(uid);
    if (taken.length < matches.length) return { uids, next: `${given + taken.length},${at}` };
    if (page.next === undefined) return { uids, next: undefined };
    [given, at] = [0, page.next];
    if (uids.length === limit) break;
  }
  return { uids, next: `0,${at}` };
}

function note(found: ObjectName[], seen: Set<string>, parent: ObjectName): void {
  if (seen.size < seen.add(JSON.stringify([parent.model, parent.uid])).size) found.push(parent);
}

/** Returns the models that may list objects of a model, and the field that does. */
function parentLists({ modelClasses }: Adapter, child: string): ReadonlyMap<string, string> {
  const lists = new Map<string, string>();
  for (const [model, { definition }] of modelClasses) {
    const field = definition.children[child];
    if (field !== undefined) lists.set(model, field);
  }
  return lists;
}

function childrenOf({ definition }: ModelClass, object: DiffSyncModel): ChildList[] {
  return Object.entries(definition.children).map(([model, field]) => {
    const uids = listOf(object, field);
    return { model, uids: uids.slice(0, CHILDREN_SHOWN), count: uids.length };
  });
}

function names(object: DiffSyncModel, field: string, uid: string): boolean {
  return listOf(object, field).includes(uid);
}

function listOf(object: DiffSyncModel, field: string): readonly string[] {
  const list = fieldsOf(object)[field];
  return Array.isArray(list) ? list.filter((each) => typeof each === 'string') : [];
}

function fieldsOf(object: DiffSyncModel): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== FLAGS));
}
