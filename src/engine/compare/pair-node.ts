import type { PairEvent } from './diff-events.js';
import type { Pair } from './pairing.js';
import type { TreePosition } from './visited.js';

/** A compared pair that has children. */
export interface PairNode extends Pair, TreePosition {
  readonly parent: PairNode | undefined;
  readonly event: PairEvent;
}
