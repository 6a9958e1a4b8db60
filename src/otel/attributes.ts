import type { Attributes } from '@opentelemetry/api';
import { DiffSyncError, type HookTrace, type PhaseTrace, type StoreTrace, type SyncTrace } from '../index.js';

/** The names of the attributes of this package; those of databases, servers and errors are OpenTelemetry's. */
export const ATTRIBUTES = {
  adapter: 'diffsync.adapter',
  reload: 'diffsync.load.reload',
  source: 'diffsync.source',
  target: 'diffsync.target',
  model: 'diffsync.model',
  action: 'diffsync.action',
  status: 'diffsync.status',
  hook: 'diffsync.hook',
  objects: 'diffsync.objects',
  failures: 'diffsync.failures',
  uids: 'diffsync.uids',
  storeId: 'diffsync.store.id',
  guard: 'diffsync.guard',
  guardOutcome: 'diffsync.guard.outcome',
  runId: 'diffsync.run.id',
  runKind: 'diffsync.run.kind',
  runLabel: 'diffsync.run.label',
  runOutcome: 'diffsync.run.outcome',
  phase: 'diffsync.run.phase',
} as const;

const ERROR_TYPE = 'error.type';

/** So many unique ids a span shows. */
const MAX_UIDS = 100;

/** Leaves out attributes without a value, which an exporter would show as empty. */
export function given(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

/** Returns the attributes of an operation, by the stable conventions for databases: the same in spans and metrics. */
export function databaseAttributes(trace: StoreTrace): Attributes {
  return given({
    'db.system.name': trace.engine,
    'db.operation.name': trace.operation,
    'db.collection.name': trace.model,
    'db.namespace': trace.namespace,
    'server.address': trace.serverAddress,
    'server.port': trace.serverPort,
  });
}

/** Returns what the span of an operation says besides: nothing of it is in a metric. */
export function operationAttributes({ size, storeId }: StoreTrace): Attributes {
  // By the conventions a batch has two operations or more, or none.
  return given({ 'db.operation.batch.size': size === 1 ? undefined : size, [ATTRIBUTES.storeId]: storeId });
}

/** Returns the unique ids as an attribute. */
export function uidsAttribute({ uids }: Pick<StoreTrace, 'uids'>): Attributes {
  return uids === undefined ? {} : { [ATTRIBUTES.uids]: uids.slice(0, MAX_UIDS) };
}

/** Returns the class of an error as an attribute: its stable code, else the name of its class. */
export function errorAttribute(error: unknown): Attributes {
  return error === undefined ? {} : { [ERROR_TYPE]: errorType(error) };
}

function errorType(error: unknown): string {
  if (error instanceof DiffSyncError) return error.code;
  return error instanceof Error ? error.constructor.name : typeof error;
}

/** Returns the code of what a sync reports for an object whose hook has returned no model. */
export function noModelAttribute({ action }: HookTrace): Attributes {
  const codes = { create: 'OBJECT_NOT_CREATED', update: 'OBJECT_NOT_UPDATED', delete: 'OBJECT_NOT_DELETED' } as const;
  return { [ERROR_TYPE]: codes[action] };
}

export function sidesOf({ source, target }: Pick<SyncTrace, 'source' | 'target'>): Attributes {
  return { [ATTRIBUTES.source]: source, [ATTRIBUTES.target]: target };
}

export function hookAttributes({ hook, model, target }: HookTrace): Attributes {
  return { [ATTRIBUTES.hook]: hook, [ATTRIBUTES.model]: model, [ATTRIBUTES.target]: target };
}

export function phaseAttributes(message: PhaseTrace): Attributes {
  return { ...sidesOf(message), [ATTRIBUTES.phase]: message.phase, [ATTRIBUTES.runKind]: message.kind };
}

/** Returns for how many objects a hook has failed without throwing: it returned no model, or a bulk hook an error for one. */
export function failuresOf({ size, error, result }: HookTrace): number {
  if (error !== undefined) return size;
  const results: readonly unknown[] = Array.isArray(result) ? result : [result];
  return results.filter((each) => each === null || each === undefined || each instanceof Error).length;
}
