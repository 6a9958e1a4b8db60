/** What happened at a pair. Most have nothing to tell but how many objects were looked at, and are that number. */
export type DiffEvent = number | PairEvent;

export interface PairEvent {
  /** How many objects were looked at. */
  readonly counted: number;
  readonly skipped?: { readonly reason: string; readonly type: string; readonly uid: string };
  /** The diff ends here: with the error that comes first in depth-first order, whatever level was read first. */
  readonly failed?: { readonly error: unknown };
  readonly below: DiffEvent[];
}

/** Each trace before those below it. */
export function* inDepthFirstOrder(traces: readonly DiffEvent[]): Generator<DiffEvent, void, undefined> {
  const stack = traces.toReversed();
  for (let trace = stack.pop(); trace !== undefined; trace = stack.pop()) {
    yield trace;
    if (typeof trace !== 'number') for (const below of trace.below.toReversed()) stack.push(below);
  }
}
