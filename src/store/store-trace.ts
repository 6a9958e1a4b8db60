import { basename } from 'node:path';
import { traceChannel, traced, type TraceContext } from '../logging/channels.js';
import { sizeOf, type OperatedStore, type OperationContext } from './operation-context.js';

/** Says which operation of which store is running: the message of `diffsync:store`. */
export interface StoreTrace extends TraceContext {
  /** The operation, by the name of the method: `get`, `addMany`; `flush` writes what was deferred, `copy` serves copies and reloads. */
  readonly operation: string;
  /** The name of the store. */
  readonly store: string;
  /** The id of the store within its backend; undefined where the backend holds one store only. */
  readonly storeId: string | undefined;
  /** The short name of the backend: `local`, `sqlite`, `redis`, or that of a store of your own. */
  readonly engine: string;
  /** The name of the model; undefined for an operation on several models. */
  readonly model: string | undefined;
  /** How many objects it reads or writes; undefined where that is not known when it begins. */
  readonly size: number | undefined;
  /** The unique ids of those objects, where it names them. */
  readonly uids: readonly string[] | undefined;
  /** Host name, IP address or path of the socket of the server; undefined without one, and where there are several. */
  readonly serverAddress: string | undefined;
  /** Number of the TCP port of the server. */
  readonly serverPort: number | undefined;
  /** The database within the server: in Redis its number, in SQLite the name of the file. */
  readonly namespace: string | undefined;
}

/**
 * The tracing channel `diffsync:store`: every operation of every store, in this process and under this name also for subscribers
 * that do not import it. Without a subscriber it costs nothing.
 *
 * @example
 * ```ts
 * storeChannel.asyncEnd.subscribe((message) => {
 *   const { operation, model, size, error } = message as StoreTrace;
 *   console.log(operation, model, size, error === undefined ? 'done' : 'failed');
 * });
 * ```
 */
export const storeChannel = traceChannel<StoreTrace>('diffsync:store');

/** Where a store's objects are. */
type Place = Pick<StoreTrace, 'serverAddress' | 'serverPort' | 'namespace'>;

const places = new WeakMap<OperatedStore, Place>();

/** Does the work of an operation, and publishes its beginning and end where there is a subscriber. */
export function traceOperation<T>(
  store: OperatedStore,
  operation: string,
  context: OperationContext,
  work: () => Promise<T>,
): Promise<T> {
  return storeChannel.hasSubscribers ? traced(storeChannel, traceOf(store, operation, context), work) : work();
}

function traceOf(store: OperatedStore, operation: string, context: OperationContext): StoreTrace {
  let place = places.get(store);
  if (place === undefined) places.set(store, (place = placeOf(store.address)));
  const { name, storeId, engine } = store;
  const { model, uid, uids = context.reads ?? (uid === undefined ? undefined : [uid]) } = context;
  return { operation, store: name, storeId, engine, model, size: sizeOf(context), uids, ...place };
}

const NOWHERE: Place = { serverAddress: undefined, serverPort: undefined, namespace: undefined };

/** Reads what `address` of a store says: a URL with one host, several hosts, a socket, or the path of a file. */
export function placeOf(address: string | undefined): Place {
  if (address === undefined) return NOWHERE;
  const [, scheme, rest = ''] = /^([a-z][a-z\d+.-]+):\/\/(.*)$/i.exec(address) ?? [];
  if (scheme === undefined) return { ...NOWHERE, namespace: basename(address) };
  const at = rest.lastIndexOf('/');
  const [where, database] = at === -1 ? [rest, ''] : [rest.slice(0, at), rest.slice(at + 1)];
  const namespace = database === '' ? undefined : database;
  if (where.startsWith('/')) return { serverAddress: where, serverPort: undefined, namespace };
  const [, ipv6, host = ipv6, port] = /^(?:\[([^\]]+)\]|([^,:/]+))(?::(\d+))?$/.exec(where) ?? [];
  return { serverAddress: host, serverPort: port === undefined ? undefined : Number(port), namespace };
}
