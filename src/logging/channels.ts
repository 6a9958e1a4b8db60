import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel';

/**
 * What every message of a tracing channel has. One object tells of one piece of work: Node passes it to the subscribers of
 * `start`, `end`, `asyncStart`, `asyncEnd` and `error` in turn. Its names and values are those of this package's own types; what
 * they say of objects, such as unique ids, belongs in no metric.
 */
export interface TraceContext {
  /** What the work has resolved to; set before `asyncEnd`. */
  result?: unknown;
  /** What the work has failed with; set before `error`. */
  error?: unknown;
  /**
   * Runs the work. A subscriber of `start` may set it, so that the work runs inside an asynchronous context of the subscriber's
   * own, which hooks and operations within then find; one that is set already it must call in turn. Where the context is an
   * `AsyncLocalStorage`, `channel.start.bindStore` does the same.
   */
  around?: (<T>(work: () => T) => T) | undefined;
}

/** Returns a tracing channel. Other copies of this package publish to the same one. */
export function traceChannel<Context extends TraceContext>(
  name: `diffsync:${string}`,
): TracingChannel<unknown, Context> {
  return tracingChannel<unknown, Context>(name);
}

/** Does work, and publishes its beginning and end. Callers ask `channel.hasSubscribers` first, so that nothing else costs. */
export function traced<Context extends TraceContext, T>(
  channel: TracingChannel<unknown, Context>,
  context: Context,
  work: () => Promise<T>,
): Promise<T> {
  return channel.tracePromise(async () => (context.around === undefined ? work() : context.around(work)), context);
}
