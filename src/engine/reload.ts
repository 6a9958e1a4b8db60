import { setImmediate } from 'node:timers/promises';
import { giveWay } from '../async/event-loop.js';
import type { ModelClass } from '../model/model-class.js';
import type { ModelRecord } from '../record/model-record.js';
import { isSameRecord } from '../record/record-equality.js';
import type { BaseStore } from '../store/base-store.js';
import {
  countByModel,
  deleteAsIs,
  MAX_ATOMIC_CHANGES,
  parentsFirst,
  putAsIs,
  recordPages,
  recordsAt,
  saveAtOnce,
} from '../store/engine-access.js';
import { keepObjects } from './keep-objects.js';

/** What a reload has changed: numbers of objects, of all models. */
export interface ReloadResult {
  /** The objects that the store did not have. */
  readonly created: number;
  /** The objects whose values, flags or child lists were different. */
  readonly updated: number;
  /** The objects that `load` did not add. */
  readonly deleted: number;
  /** The objects that were equal, and were not written. */
  readonly unchanged: number;
}

/** What a reload would do with the objects of one model. */
interface ReloadedModel {
  readonly model: string;
  /** How many objects `load` has added. */
  readonly loaded: number;
  /** How many the store has. */
  readonly stored: number;
  /** Unique ids that would be deleted. */
  readonly surplus: readonly string[];
}

/**
 * Looks at a reload before anything is written.
 * @returns the models of which nothing is deleted; what it throws ends the reload.
 */
export type ReloadReview = (models: readonly ReloadedModel[]) => ReadonlySet<string> | Promise<ReadonlySet<string>>;

/** Records that are read or written at once. */
const PAGE = 500;

/** What the two stores have of one model. */
interface ModelState {
  readonly model: string;
  /** Child type -> field that lists the children. */
  readonly children: readonly (readonly [type: string, field: string])[];
  /** Unique ids in the copy. */
  readonly wanted: Set<string>;
  /** Unique ids in the store, as they are at this moment. */
  readonly stored: Set<string>;
  /** Unique id of a record to replace -> what it lists now, by field. */
  readonly changed: Map<string, ReadonlyMap<string, readonly string[]>>;
  /** Unique ids to delete. */
  readonly surplus: string[];
}

/**
 * Makes a store equal to a copy: only what differs is written. A few changes are one atomic write where the backend can. Else
 * a reader meanwhile meets old and new objects, but no list that names a missing object, and a child that moves is below one
 * of its parents at every moment: children are written before their parents and deleted after them, and a list drops a child
 * that stays in the store only once all other lists are written. What stays keeps its position; what is new is appended in the
 * order of the copy.
 * @param models - The classes of the models, by name.
 * @param review - is called before anything is written. Models that it keeps are completed in the copy.
 * @returns what was changed.
 */
export async function makeEqual(
  target: BaseStore,
  copy: BaseStore,
  models: ReadonlyMap<string, ModelClass>,
  review?: ReloadReview,
): Promise<ReloadResult> {
  const reload = new Reload(target, copy, models);
  await reload.compare();
  const kept = (await review?.(reload.reloaded())) ?? new Set();
  if (kept.size === 0) return reload.write();
  await keepObjects(target, copy, models, kept);
  const completed = new Reload(target, copy, models);
  await completed.compare();
  return completed.write();
}

class Reload {
  /** By model, parents before children. */
  private readonly states = new Map<string, ModelState>();
  /** Model -> unique ids of records that were written with other lists than they are to have. */
  private readonly unfinished = new Map<string, string[]>();
  private unchanged = 0;

  constructor(
    private readonly target: BaseStore,
    private readonly copy: BaseStore,
    private readonly models: ReadonlyMap<string, ModelClass>,
  ) {}

  reloaded(): readonly ReloadedModel[] {
    return [...this.states.values()].map(({ model, wanted, stored, surplus }) => ({
      model,
      loaded: wanted.size,
      stored: stored.size,
      surplus,
    }));
  }

  async write(): Promise<ReloadResult> {
    const states = [...this.states.values()];
    const sum = (count: (state: ModelState) => number): number =>
      states.reduce((total, state) => total + count(state), 0);
    const result = {
      created: sum(({ wanted, stored }) => [...wanted].filter((uid) => !stored.has(uid)).length),
      updated: sum(({ changed }) => changed.size),
      deleted: sum(({ surplus }) => surplus.length),
      unchanged: this.unchanged,
    };
    const changes = result.created + result.updated + result.deleted;
    if (changes === 0 || (changes <= MAX_ATOMIC_CHANGES && (await this.writeAtOnce(states)))) return result;
    for (const state of states.toReversed()) await this.writeModel(state);
    for (const [model, uids] of this.unfinished) await this.finish(model, uids);
    for (const state of states) await this.unlinkSurplus(state);
    for (const { model, surplus } of states) {
      for (const uids of pagesOf(surplus)) {
        await giveWay();
        await deleteAsIs(this.target, model, uids);
      }
    }
    return result;
  }

  /** Reads both stores. Is called once, before all else. */
  async compare(): Promise<void> {
    const names = [...(await countByModel(this.copy)).keys(), ...(await countByModel(this.target)).keys()];
    for (const model of parentsFirst(this.target, [...new Set(names)])) {
      const children = Object.entries(this.models.get(model)?.getChildrenMapping() ?? {});
      const state = {
        model,
        children,
        wanted: new Set<string>(),
        stored: new Set<string>(),
        changed: new Map(),
        surplus: [],
      };
      this.states.set(model, state);
      for await (const page of this.pages(this.copy, model)) for (const { uid } of page) state.wanted.add(uid);
      for await (const page of this.pages(this.target, model)) await this.comparePage(state, page);
    }
  }

  private async comparePage(
    { model, children, stored, changed, surplus }: ModelState,
    page: readonly ModelRecord[],
  ): Promise<void> {
    const loaded = await recordsAt(
      this.copy,
      model,
      page.map(({ uid }) => uid),
    );
    for (const [at, record] of page.entries()) {
      const wanted = loaded[at];
      stored.add(record.uid);
      if (wanted === undefined) surplus.push(record.uid);
      else if (isSameRecord(record, wanted)) this.unchanged++;
      else changed.set(record.uid, new Map(children.map(([, field]) => [field, listOf(record, field)])));
    }
  }

  /** Writes all changes in one atomic write. @returns false if the backend cannot, and nothing was written. */
  private async writeAtOnce(states: readonly ModelState[]): Promise<boolean> {
    const changes = [];
    for (const { model, stored, changed, surplus } of states) {
      const puts: ModelRecord[] = [];
      for await (const page of this.pages(this.copy, model)) {
        for (const record of page) if (!stored.has(record.uid) || changed.has(record.uid)) puts.push(record);
      }
      changes.push({ model, puts, removed: surplus });
    }
    return saveAtOnce(this.target, changes);
  }

  private async writeModel({ model, children, stored, changed }: ModelState): Promise<void> {
    for await (const page of this.pages(this.copy, model)) {
      const records = page.filter(({ uid }) => !stored.has(uid) || changed.has(uid));
      if (records.length === 0) continue;
      const written = records.map((record) => this.interim(record, model, children, changed.get(record.uid)));
      await putAsIs(this.target, model, written);
      for (const { uid } of records) stored.add(uid);
    }
  }

  /**
   * Returns the record, or one whose lists lack the children that are not written yet, and have those that it loses to another
   * parent; it is then noted as unfinished.
   */
  private interim(
    record: ModelRecord,
    model: string,
    children: ModelState['children'],
    before: ReadonlyMap<string, readonly string[]> | undefined,
  ): ModelRecord {
    const lists: Record<string, readonly string[]> = {};
    for (const [type, field] of children) {
      const after = listOf(record, field);
      const below = this.states.get(type);
      const present = after.filter((uid) => below?.stored.has(uid) === true);
      const listed = new Set(after);
      const leaving = (before?.get(field) ?? []).filter((uid) => !listed.has(uid) && below?.wanted.has(uid) === true);
      if (present.length < after.length || leaving.length > 0) lists[field] = [...present, ...leaving];
    }
    if (Object.keys(lists).length === 0) return record;
    const unfinished = this.unfinished.get(model) ?? [];
    this.unfinished.set(model, unfinished);
    unfinished.push(record.uid);
    return withLists(record, lists);
  }

  private async finish(model: string, unfinished: readonly string[]): Promise<void> {
    for (const uids of pagesOf(unfinished)) {
      await giveWay();
      const records = await recordsAt(this.copy, model, uids);
      await putAsIs(
        this.target,
        model,
        records.filter((record) => record !== undefined),
      );
    }
  }

  /**
   * Empties those lists of records to delete that name records which are deleted before them: where models are each other's
   * children, or their own.
   */
  private async unlinkSurplus({ model, children, surplus }: ModelState): Promise<void> {
    const order = [...this.states.keys()];
    const fields = children
      .filter(([type]) => order.includes(type) && order.indexOf(type) <= order.indexOf(model))
      .map(([, field]) => field);
    if (fields.length === 0) return;
    for (const uids of pagesOf(surplus)) {
      await giveWay();
      const records = (await recordsAt(this.target, model, uids)).filter((record) => record !== undefined);
      const linked = records.filter((record) => fields.some((field) => listOf(record, field).length > 0));
      const lists = Object.fromEntries(fields.map((field) => [field, []]));
      if (linked.length > 0)
        await putAsIs(
          this.target,
          model,
          linked.map((record) => withLists(record, lists)),
        );
    }
  }

  /** Yields to the event loop after each page. */
  private async *pages(store: BaseStore, model: string): AsyncGenerator<readonly ModelRecord[], void, undefined> {
    for await (const page of recordPages(store, model, PAGE)) {
      yield page;
      await setImmediate();
    }
  }
}

function listOf({ data }: ModelRecord, field: string): readonly string[] {
  const list: unknown = data[field];
  return Array.isArray(list) ? (list as readonly string[]) : [];
}

function withLists({ uid, data, flags }: ModelRecord, lists: Readonly<Record<string, readonly string[]>>): ModelRecord {
  const changed = { ...data, ...lists };
  return flags === undefined ? { uid, data: changed } : { uid, data: changed, flags };
}

function* pagesOf(uids: readonly string[]): Generator<readonly string[], void, undefined> {
  for (let at = 0; at < uids.length; at += PAGE) yield uids.slice(at, at + PAGE);
}
