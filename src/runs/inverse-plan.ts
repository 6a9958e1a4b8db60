import { withHidden } from '../values/hidden-property.js';
import { Pace } from '../async/event-loop.js';
import type { Diff } from '../diff/diff.js';
import type { StaleChange } from '../diff/sync-outcome.js';
import { checkAborted, type Side } from '../engine/side.js';
import { DiffStale } from '../errors.js';
import { checkInverse, type ChangedSince } from './inverse-check.js';
import { InverseTree } from './inverse-tree.js';
import type { RunChange, Unrestored } from './sync-run.js';

/** So many objects are named in an error; all are in its `stale`. */
const MAX_NAMED = 10;

/** The changes that take back a run, and what they cannot bring back. */
export interface InversePlan {
  readonly diff: Diff;
  readonly unrestored: readonly Unrestored[];
}

/**
 * Makes the changes that take back those of a run.
 * @param runId - the run, for messages.
 * @param changes - the changes that were made, in their order.
 * @throws DiffStale where an object is no longer as the run has left it.
 */
export async function inverseOf(
  runId: string,
  changes: AsyncIterable<RunChange>,
  target: Side,
  signal: AbortSignal,
): Promise<InversePlan> {
  const tree = new InverseTree(target);
  const pace = new Pace();
  for await (const change of changes) {
    const due = pace.yieldIfDue();
    if (due !== undefined) {
      await due;
      checkAborted(signal);
    }
    tree.add(change);
  }
  const changed = await checkInverse(tree, target, signal);
  if (changed.length > 0) throw staleError(runId, changed, target);
  return { diff: tree.diff, unrestored: tree.unrestored };
}

function staleError(runId: string, changed: readonly ChangedSince[], { name }: Side): DiffStale {
  const named = changed.slice(0, MAX_NAMED).map(({ node: { model, uid }, reason }) => `${model} ${uid}: ${reason}`);
  const more = changed.length > MAX_NAMED ? `; and ${changed.length - MAX_NAMED} more` : '';
  const message =
    `The run ${runId} cannot be undone: ${name} has changed since, at ${named.join('; ')}${more}; undo the later runs first, or set ` +
    `these objects right by hand`;
  const stale = changed.map(({ node, reason }): StaleChange => {
    const { action, linkOnly } = node.element;
    const change = linkOnly ? (action === 'create' ? 'link' : 'unlink') : (action ?? 'update');
    return { model: node.model, uid: node.uid, parents: node.change?.parents ?? [], action: change, reason };
  });
  return withHidden(new DiffStale(message), 'stale', stale);
}
