import { inspect } from 'node:util';
import { ValueError } from '../errors.js';
import type { RunParts } from './run-parts.js';

/** How many parts there may be: each is a run of its own in the history. */
const MAX_PARTS = 1024;

/** How a run is divided, and by whom its parts are performed. */
export interface Division {
  readonly of: number;
  readonly perform: NonNullable<RunParts['perform']>;
  /** Whether all parts are performed at once, or one after the other. */
  readonly atOnce: boolean;
}

/**
 * Returns how a run is divided; undefined for one that is not.
 * @param performHere - performs a part in this process.
 * @throws ValueError for what says no number of parts.
 */
export function divisionOf(
  parts: number | RunParts | undefined,
  performHere: NonNullable<RunParts['perform']>,
): Division | undefined {
  const given: RunParts | undefined = typeof parts === 'number' ? { of: parts } : parts;
  if (given === undefined) return undefined;
  const { of, perform } = given;
  if (!Number.isSafeInteger(of) || of < 1 || of > MAX_PARTS) {
    throw new ValueError(`parts is ${inspect(parts)}: a number from 1 to ${MAX_PARTS}, or { of, perform } with one`);
  }
  return of === 1 ? undefined : { of, perform: perform ?? performHere, atOnce: perform !== undefined };
}
