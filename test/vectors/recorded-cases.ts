import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** The format of `data/*.json.gz`; README.md says where it comes from. */

export interface RecordedField {
  readonly type: 'string' | 'number' | 'boolean' | 'string[]' | 'json';
  readonly optional?: boolean;
  readonly default?: unknown;
}

export interface RecordedModel {
  readonly name: string;
  readonly identifiers: readonly string[];
  readonly attributes: readonly string[];
  readonly children: Readonly<Record<string, string>>;
  readonly shortname: readonly string[];
  readonly fields: Readonly<Record<string, RecordedField>>;
  readonly modelFlags?: number;
}

export interface RecordedError {
  readonly name: string;
  readonly message: string;
  readonly origin: 'diffsync' | 'hook' | 'pydantic' | 'python';
  readonly messagePortable: boolean;
}

export interface RecordedObject {
  readonly model: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly flags?: number;
}

/** An object as a store sequence shows it. */
export interface ShownObject extends RecordedObject {
  readonly uniqueId: string;
  readonly created?: boolean;
}

type Hook = 'create' | 'update' | 'delete';

export interface RecordedHook {
  readonly on: Hook;
  readonly model: string;
  readonly uniqueId: string;
  readonly behaviour: 'raise' | 'none' | 'applyThenNone' | 'crash';
}

export type Between =
  | { readonly op: 'remove'; readonly model: string; readonly uniqueId: string }
  | { readonly op: 'add'; readonly model: string; readonly data: Readonly<Record<string, unknown>> }
  | {
      readonly op: 'set';
      readonly model: string;
      readonly uniqueId: string;
      readonly field: string;
      readonly value: unknown;
    };

export type Ordering = 'reverse' | 'by-name' | 'deletes-first';

interface RecordedCase {
  readonly id: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly models: readonly RecordedModel[];
}

export interface SyncCase extends RecordedCase {
  readonly targetModels?: readonly RecordedModel[];
  readonly topLevel: { readonly source: readonly string[]; readonly target: readonly string[] };
  readonly source: readonly RecordedObject[];
  readonly target: readonly RecordedObject[];
  readonly flags: number;
  readonly diffFlags?: number;
  readonly via?: 'sync_to';
  readonly diffMode?: 'precomputed' | 'precomputed-twice' | 'class-mismatch';
  readonly orderings?: Readonly<Record<string, Ordering>>;
  readonly hooks?: readonly RecordedHook[];
  readonly between?: readonly Between[];
  readonly expected: SyncFacts;
}

type Summary = Readonly<Record<'create' | 'update' | 'delete' | 'no-change' | 'skip', number>>;
export type ProgressEvent = readonly [stage: string, current: number, total: number];
export type ByModel<T> = Readonly<Record<string, Readonly<Record<string, T>>>>;

/** A log line, with what the logger was bound to. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  readonly event: string;
  readonly [about: string]: unknown;
}

export interface HookCall {
  readonly on: Hook;
  readonly model: string;
  readonly uniqueId: string;
  readonly ids?: Readonly<Record<string, unknown>>;
  readonly attrs: Readonly<Record<string, unknown>>;
}

/** What a diff and sync case shows. `Failure`: a recorded error, or in a replay the error itself. */
export interface SyncFacts<Failure = RecordedError> {
  readonly loadErrors?: readonly { readonly side: string; readonly index: number; readonly error: Failure }[];
  readonly diff: {
    readonly error: Failure | null;
    readonly dict?: unknown;
    readonly summary?: Summary;
    readonly len?: number;
    readonly hasDiffs?: boolean;
    readonly str?: string | null;
    readonly modelsProcessed?: number;
    readonly elements?: readonly (readonly [depth: number, type: string, name: string, action: string | null])[];
  };
  readonly progressDiff: readonly ProgressEvent[] | null;
  readonly progressDiffTail: readonly [count: number, last: ProgressEvent | null];
  readonly sync: {
    readonly error: Failure | null;
    readonly calls: readonly HookCall[];
    readonly progress: readonly ProgressEvent[] | null;
    readonly progressTail: readonly [count: number, last: ProgressEvent | null];
    readonly changedCallback: boolean;
    readonly changedCallbackCount?: number;
    readonly target: ByModel<Readonly<Record<string, unknown>>>;
    readonly order: Readonly<Record<string, readonly string[]>>;
    readonly targetFlags?: ByModel<number>;
    /** Null: nothing was attempted; only after reading (readings.ts). */
    readonly targetStatus?: ByModel<readonly [status: string, message: string] | null>;
    readonly logs: readonly LogLine[] | null;
    readonly summaryAfter: Summary | null;
    readonly summaryAfterError?: Failure;
    readonly sourceUnchanged: boolean;
  };
}

type ByName = { readonly by?: 'class' } | { readonly by: 'instance'; readonly instance: string };
type Ids = Readonly<Record<string, unknown>>;

export type StoreOperation =
  | ({ readonly op: 'new'; readonly as: string } & RecordedObject)
  | { readonly op: 'add' | 'update'; readonly obj: string }
  | { readonly op: 'remove'; readonly obj: string; readonly removeChildren?: boolean }
  | { readonly op: 'removeItem'; readonly model: string; readonly uniqueId: string }
  | ({
      readonly op: 'get' | 'getOrNone';
      readonly model: string;
      readonly identifier: string | Ids;
      readonly as?: string;
    } & ByName)
  | ({ readonly op: 'getAll'; readonly model: string; readonly as?: string } & ByName)
  | ({ readonly op: 'getByUids'; readonly model: string; readonly uids: readonly string[] } & ByName)
  | ({ readonly op: 'count'; readonly model?: string } & ByName)
  | { readonly op: 'len' | 'getAllModelNames' | 'contents' }
  | {
      readonly op: 'getOrInstantiate';
      readonly model: string;
      readonly ids: Ids;
      readonly attrs?: Ids;
      readonly as?: string;
    }
  | {
      readonly op: 'updateOrInstantiate';
      readonly model: string;
      readonly ids: Ids;
      readonly attrs: Ids;
      readonly as?: string;
    }
  | { readonly op: 'getOrAddModelInstance' | 'updateOrAddModelInstance'; readonly obj: string; readonly as?: string }
  | { readonly op: 'set'; readonly obj: string; readonly field: string; readonly value: unknown }
  | { readonly op: 'addChild' | 'removeChild'; readonly parent: string; readonly child: string }
  | { readonly op: 'read' | 'bound'; readonly obj: string }
  | { readonly op: 'same'; readonly a: string; readonly b: string };

/** What an operation did: `ok`, or `error`. */
export interface OperationFacts<Failure = RecordedError> {
  readonly ok?: unknown;
  readonly error?: Failure;
  readonly logs?: readonly LogLine[];
}

export interface StoreCase extends RecordedCase {
  readonly topLevel: readonly string[];
  readonly ops: readonly StoreOperation[];
  readonly results: {
    readonly local: readonly OperationFacts[];
    readonly redis: readonly OperationFacts[];
    readonly differs: readonly number[];
  };
}

export interface AdapterCase extends RecordedCase {
  readonly topLevel: readonly string[];
  readonly objects: readonly RecordedObject[];
  readonly name?: string;
  readonly loadFromDict?: ByModel<Readonly<Record<string, unknown>>>;
  readonly expected: AdapterFacts;
}

export interface AdapterFacts<Failure = RecordedError> {
  readonly definitionError: Failure | null;
  readonly display?: { readonly str: string; readonly repr: string };
  readonly treeString?: string;
  readonly treeDict?: unknown;
  readonly len?: number;
  readonly dict?: ByModel<Readonly<Record<string, unknown>>>;
  readonly dictFull?: ByModel<Readonly<Record<string, unknown>>>;
  readonly str?: string | null;
  readonly strPython?: string;
  readonly models?: readonly {
    readonly model: string;
    readonly uniqueId: string;
    readonly shortname: string;
    readonly identifiers: unknown;
    readonly attrs: unknown;
    readonly attrsOrder: readonly string[];
    readonly repr: string;
  }[];
  readonly loadFromDict?: {
    readonly error: Failure | null;
    readonly contents: ByModel<Readonly<Record<string, unknown>>>;
    readonly order: Readonly<Record<string, readonly string[]>>;
    readonly flags?: ByModel<number>;
  };
  readonly roundTripEqual?: boolean;
}

const DATA = join(import.meta.dirname, 'data');

function load(belongs: (file: string) => boolean): readonly unknown[] {
  return readdirSync(DATA)
    .filter(belongs)
    .toSorted()
    .flatMap((file) => JSON.parse(gunzipSync(readFileSync(join(DATA, file))).toString('utf8')) as unknown[]);
}

export const syncCases = load((file) => file.startsWith('sync_')) as readonly SyncCase[];
export const storeCases = load((file) => file.startsWith('store_')) as readonly StoreCase[];
export const adapterCases = load((file) => file.startsWith('adapter')) as readonly AdapterCase[];
