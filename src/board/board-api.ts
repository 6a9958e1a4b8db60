// The JSON interface of the board: what each route takes and answers. Addresses are relative to the path where the board is mounted.
//
//   GET  ''                    the page: index.html; without a slash at its end, a redirect to the address with one
//   GET  app.js, app.css       what the page needs
//   GET  api/openapi.json      this interface as an OpenAPI description
//   GET  api/board             -> BoardInfo
//   GET  api/stores            -> StoreList
//   GET  api/store             ?store                                   -> StoreView
//   GET  api/objects           ?store &model &search &limit &after      -> ObjectPage
//   GET  api/object            ?store &model &uid                       -> ObjectView
//   GET  api/object/history    ?store &model &uid                       -> ObjectHistory
//   GET  api/runs              ?target &limit &after                    -> BoardRunPage
//   GET  api/runs/:id          ?target                                  -> RunView
//   GET  api/runs/:id/changes  ?target &model* &action* &result* &search &limit &from   -> ChangePage
//   GET  api/runs/:id/events   ?target    server-sent events: `progress` (RunProgress), then `ended` (RunView)
//   GET  api/decide            -> DecideInfo: 401 or 403 for who may not decide; 404 where the board is read-only
//   POST api/runs              StartBody   -> 202 RunStarted: a dry run
//   POST api/runs/:id/approve  ApproveBody -> 200 RunView
//   POST api/runs/:id/apply    ApplyBody   -> 202 RunStarted, 409 StaleAnswer
//   POST api/runs/:id/undo     UndoBody    -> 202 RunStarted, 409 StaleAnswer
//
// `store` is the name of a store, and '' or absent for the store without a name; `target` the name of an adapter. What is marked with *
// may be given several times. A POST needs the header `Content-Type: application/json`, and is refused from another origin. All errors
// are a BoardError; those of the application's own guards are what the application makes of them.
import type { PhaseTime, RunChange, StaleChange, StoreDetails, SyncRun } from '../index.js';

/** An error. The code is stable; the message is for people. */
export interface BoardError {
  readonly statusCode: number;
  /** A code of the package, such as `RUN_NOT_FOUND`, or one of the board: `BAD_REQUEST`, `NOT_FOUND`, `STORE_NOT_FOUND`,
   * `NOT_SAME_ORIGIN`, `NOT_JSON`, `NO_USER`. */
  readonly code: string;
  readonly message: string;
}

// ---- The board

/** What the board is, and what it knows of the application. */
export interface BoardInfo {
  /** Whether nothing can be started, approved, applied or undone here. */
  readonly readOnly: boolean;
  readonly adapters: readonly AdapterInfo[];
}

/** An adapter of the application. */
export interface AdapterInfo {
  readonly name: string;
  /** The name of its class. */
  readonly type: string;
  /** The name of its store, '' for the store without a name; null for one that is not registered, such as an adapter's own in memory. */
  readonly store: string | null;
  readonly topLevel: readonly string[];
  readonly models: readonly ModelInfo[];
}

/** The class of a model. */
export interface ModelInfo {
  readonly model: string;
  readonly identifiers: readonly string[];
  readonly attributes: readonly string[];
  /** Attributes whose values are never shown. */
  readonly secret: readonly string[];
  /** Model of the children -> the field that lists them. */
  readonly children: Readonly<Record<string, string>>;
}

/** Who decides, as the runs will have it. */
export interface DecideInfo {
  readonly by: string;
}

// ---- Stores

export interface StoreList {
  readonly stores: readonly StoreView[];
}

/** A store, as it is now. */
export interface StoreView {
  /** Its name, which the routes take as `store`; '' for the store without a name. */
  readonly store: string;
  /** The same for people: name and store id. */
  readonly title: string;
  readonly engine: string;
  readonly storeId: string | null;
  /** Where it is, without credentials. */
  readonly address: string | null;
  /** The names of the adapters on it. */
  readonly adapters: readonly string[];
  readonly health: BoardHealth;
  /** Objects by model, sorted by name; null where the store cannot be asked. */
  readonly models: readonly ModelCount[] | null;
  /** All objects; null where the store cannot be asked. */
  readonly objects: number | null;
  /** What its backend uses; null where the backend does not say it. */
  readonly size: StoreSize | null;
  /** The last run that has changed it; null where none of the last runs has. What others have written is not known. */
  readonly lastChange: { readonly at: string; readonly target: string; readonly run: string } | null;
}

export interface ModelCount {
  readonly model: string;
  readonly count: number;
}

export interface StoreSize {
  readonly bytes: number;
  /** What has this size, with all that others keep in it. */
  readonly of: 'file' | 'server';
}

/** How a store is. */
export interface BoardHealth {
  readonly status: 'up' | 'degraded' | 'down';
  /** Milliseconds until the reply or the failure. */
  readonly responseTime: number;
  /** Why a store that can be used is degraded. */
  readonly reason?: string;
  /** Of the error, where the store is down. */
  readonly code?: string;
  readonly message?: string;
  readonly details: StoreDetails;
}

// ---- Objects

/** JSON. What JSON lacks is tagged: `{ "$diffsync": "Date", "v": … }`, as stores keep it. Of a value of more than 65,536 characters there
 * is the beginning: `{ "$diffsync": "cut", "v": { "length": …, "text": … } }`. */
export type Value = unknown;
export type Values = Readonly<Record<string, Value>>;

/** A page of objects, in the order of the store. */
export interface ObjectPage {
  readonly model: string;
  readonly objects: readonly ObjectRow[];
  /** The `after` of the next page; null on the last one. A page of a search may be short, or empty, and yet not be the last one. */
  readonly next: string | null;
}

export interface ObjectRow {
  readonly uid: string;
  /** Its fields, without secret ones; null where the board does not know the class of the model, and so not what is secret. */
  readonly fields: Values | null;
}

/** One object. */
export interface ObjectView {
  readonly store: string;
  readonly model: string;
  readonly uid: string;
  /** In the order of the class; null where the board does not know the class of the model, and so not what is secret. */
  readonly fields: readonly FieldView[] | null;
  readonly flags: number;
  readonly children: readonly ChildList[];
  readonly parents: ParentList;
}

export interface FieldView {
  readonly name: string;
  readonly kind: 'identifier' | 'attribute' | 'other';
  /** Whether its value is never shown. */
  readonly secret: boolean;
  /** Absent for a secret field, and where the object has no value. */
  readonly value?: Value;
}

export interface ChildList {
  readonly model: string;
  /** The first unique ids, at most 200. */
  readonly uids: readonly string[];
  readonly count: number;
}

export interface ParentList {
  readonly found: readonly ObjectName[];
  /** Whether all objects were looked at that may be parents. Else there may be others. */
  readonly complete: boolean;
}

export interface ObjectName {
  readonly model: string;
  readonly uid: string;
}

/** What has happened to one object, the newest change first; at most 200 changes. */
export interface ObjectHistory {
  readonly changes: readonly ObjectChange[];
  /** Whether there are more. */
  readonly more: boolean;
}

export interface ObjectChange extends BoardChange {
  /** The target of the run, which has its history. */
  readonly target: string;
}

// ---- Runs

/** Runs of one target or of all, the newest first. */
export interface BoardRunPage {
  readonly runs: readonly SyncRun[];
  /** The `after` of the next page; null on the last one. */
  readonly next: string | null;
  /** Targets whose history cannot be read now. */
  readonly unavailable: readonly { readonly target: string; readonly code: string; readonly message: string }[];
}

/** One run. */
export interface RunView {
  readonly run: SyncRun;
  /** Changes by model and action, without those that only move. */
  readonly models: readonly ModelChanges[];
  /** What can be decided about the run now. Always empty where the board is read-only. */
  readonly decisions: readonly Decision[];
  /** What had changed since the plan was made, where the run has ended for that, in this process. */
  readonly stale: StaleList | null;
}

export interface ModelChanges {
  readonly model: string;
  readonly create: number;
  readonly update: number;
  readonly delete: number;
}

export type Decision = 'approve' | 'apply' | 'undo';

/** What is stale of a plan, or of a run to undo. */
export interface StaleList {
  /** At most 100. */
  readonly changes: readonly StaleChange[];
  readonly count: number;
}

/** One change. Secret attributes are in `secrets` by name, and nowhere by value. */
export interface BoardChange extends Omit<RunChange, 'old' | 'new' | 'record'> {
  readonly old: Values | null;
  readonly new: Values | null;
}

/** A page of the changes of a run, in its order. */
export interface ChangePage {
  readonly changes: readonly BoardChange[];
  /** The `from` of the next page; null on the last one. A filtered page may be short, or empty, and yet not be the last one. */
  readonly next: number | null;
}

/** How far a run is. */
export interface RunProgress {
  readonly run: string;
  readonly phases: readonly (PhaseTime & {
    /** Objects done; null where it is not known. */
    readonly current: number | null;
    /** Objects expected; null where it is not known. */
    readonly total: number | null;
  })[];
}

// ---- Decide

/** Starts a dry run. */
export interface StartBody {
  /** The name of an adapter. */
  readonly source: string;
  /** The name of an adapter. */
  readonly target: string;
  /** At most 200 characters. */
  readonly label?: string | undefined;
}

/** Approves the plan of a dry run. */
export interface ApproveBody {
  readonly target: string;
}

/** Applies the approved plan of a dry run. */
export interface ApplyBody {
  readonly target: string;
  /** `skip` makes those changes that still hold. Default: `refuse`. */
  readonly onStale?: 'refuse' | 'skip' | undefined;
}

/** Takes back what a run has changed. */
export interface UndoBody {
  readonly target: string;
}

/** A run that goes on after the answer; the header `Location` has its address. */
export interface RunStarted {
  readonly run: SyncRun;
}

/**
 * The plan is stale: nothing was changed. A plan that takes longer to be compared is answered with 202: then its run ends as `refused`,
 * with the error DIFF_STALE, and its view has the same list.
 */
export interface StaleAnswer extends BoardError {
  readonly code: 'DIFF_STALE';
  readonly stale: StaleList;
  /** The run that has ended so. */
  readonly run: string | null;
}
