import { types } from 'node:util';
import { ValueError } from '../errors.js';

/** A walk of a value looks for shared parts once it has met so many: to look takes as long as to walk them. */
const FIRST_LOOK = 10_000;
/** Deeper parts are not counted: a walk refuses such a value by itself, and to count them could overflow the call stack. */
const DEEPEST = 1000;

/**
 * The most parts, as written out, of a value that holds some of them several times. A value that holds each part once may have
 * more.
 */
const MAX_SHARED_PARTS = 2 ** 23;

/** Why a value is refused whose shared parts would be too many, as the end of a sentence. */
export const TOO_MANY_PARTS = 'holds the same parts so many times over that it is too large to be written out';

/**
 * Counts the parts that a walk of a value meets. Parts that are reached in several ways are met as often: each level of
 * `{ a: x, b: x }` doubles them, so that the walk of a small value may have no end.
 */
export class PartCount {
  private met = 0;

  /**
   * @param value - the value that is walked.
   * @param most - the most parts of a value that has shared ones.
   */
  constructor(
    private readonly value: unknown,
    private readonly most = MAX_SHARED_PARTS,
  ) {}

  /** Counts one part. @returns false once the value has shared parts, and too many, so that the walk must end. */
  isBounded(): boolean {
    return ++this.met !== FIRST_LOOK || !hasTooManyParts(this.value, this.most);
  }

  /** Counts one part. @throws {ValueError} (VALUE_ERROR) where `isBounded` returns false. */
  check(): void {
    if (!this.isBounded()) throw new ValueError(`a value ${TOO_MANY_PARTS}`);
  }
}

/**
 * Whether a value has shared parts and would have more than `most` parts if each were written out as often as it is reached. It
 * takes time in proportion to what the value holds in memory.
 */
export function hasTooManyParts(value: unknown, most = MAX_SHARED_PARTS): boolean {
  const counted = new Map<object, number>();
  const inMemory = { parts: 1 };
  return count(value, counted, inMemory, 0) > Math.max(most, inMemory.parts);
}

/** Returns how many parts a value has, itself included. What contains itself has no end of them. */
function count(value: unknown, counted: Map<object, number>, inMemory: { parts: number }, depth: number): number {
  if (typeof value !== 'object' || value === null || depth === DEEPEST) return 1;
  const known = counted.get(value);
  if (known !== undefined) return known;
  counted.set(value, Infinity);
  let parts = 1;
  for (const part of partsOf(value)) {
    inMemory.parts++;
    parts += count(part, counted, inMemory, depth + 1);
  }
  counted.set(value, parts);
  return parts;
}

function partsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value) || types.isSet(value)) return value as Iterable<unknown>;
  if (types.isMap(value)) return [...value.keys(), ...value.values()];
  return types.isDate(value) || ArrayBuffer.isView(value) ? [] : Object.values(value);
}
