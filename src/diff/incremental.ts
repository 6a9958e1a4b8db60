/** What an incremental comparison began with, and how much it read. */
export interface IncrementalComparison {
  /** When the comparison began whose findings this one went on from, as ISO 8601. */
  readonly baseline: string;
  /** How many objects were read, on either side or both. */
  readonly candidates: number;
}

/**
 * Why a comparison with the option `incremental` read everything:
 * - `no-baseline`: no sync of these sides, with these options, has left one;
 * - `definitions`: the models or their code have changed since;
 * - `source-unknown`, `target-unknown`: that store does not know all that was written since, or keeps no log of changes;
 * - `many-changes`: so much was written that a reading of everything takes less;
 * - `due`: `fullCompareEvery` asks for one;
 * - `partition`: one of several parts is compared;
 * - `filters`, `identities`, `children`: what the filters, or classes that make unique ids or child lists themselves, would find now
 *   is not known without a reading of everything;
 * - `lost-children`: an object may have lost its parents on both sides;
 * - `counts`: the two sides do not have as many objects as they should.
 */
export type FullReason =
  | 'no-baseline'
  | 'definitions'
  | 'source-unknown'
  | 'target-unknown'
  | 'many-changes'
  | 'due'
  | 'partition'
  | 'filters'
  | 'identities'
  | 'children'
  | 'lost-children'
  | 'counts';
