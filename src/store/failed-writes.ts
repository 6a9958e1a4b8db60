import { ValueError } from '../errors.js';
import { isDamage } from './verify-report.js';
import type { OperationContext } from './operation-context.js';

interface FailedWrite<E> {
  readonly entry: E;
  readonly error: unknown;
}

/**
 * The pending writes that cannot be done, because what is stored of their object is damaged for example. They fail those who
 * read the object, and no other caller, until the object is replaced or removed.
 */
export class FailedWrites<E> {
  private readonly writes = new Map<string, Map<string, FailedWrite<E>>>();
  /** By object, whether a caller has got its error. */
  private readonly told = new Map<string, boolean>();

  /** @param tell - is called with each object once, however often its write is tried again. */
  constructor(private readonly tell: (model: string, uid: string, error: unknown) => void) {}

  get isEmpty(): boolean {
    return this.writes.size === 0;
  }

  add(model: string, uid: string, entry: E, error: unknown): void {
    const writes = this.writes.get(model) ?? new Map<string, FailedWrite<E>>();
    this.writes.set(model, writes.set(uid, { entry, error }));
    const name = `${model}:${uid}`;
    if (this.told.has(name)) return;
    this.told.set(name, false);
    this.tell(model, uid, error);
  }

  /** Takes out the write of an object. */
  take(model: string, uid: string): E | undefined {
    const writes = this.writes.get(model);
    const write = writes?.get(uid);
    if (writes === undefined || write === undefined) return undefined;
    writes.delete(uid);
    if (writes.size === 0) this.writes.delete(model);
    return write.entry;
  }

  /** Forgets the writes of objects that are replaced or removed. */
  forget(model: string, uids: readonly string[]): void {
    if (this.told.size === 0) return;
    for (const uid of uids) {
      this.told.delete(`${model}:${uid}`);
      this.take(model, uid);
    }
  }

  /** The unique ids of the writes that an operation would see, by model. */
  seenBy({ model, reads, uids }: OperationContext): readonly (readonly [model: string, uid: string])[] {
    if (this.isEmpty || model === undefined || uids !== undefined) return [];
    const writes = this.writes.get(model);
    if (writes === undefined) return [];
    return (reads ?? [...writes.keys()]).filter((uid) => writes.has(uid)).map((uid) => [model, uid]);
  }

  all(): readonly (readonly [model: string, uid: string])[] {
    return [...this.writes].flatMap(([model, writes]) => [...writes.keys()].map((uid) => [model, uid] as const));
  }

  errorOf(model: string, uid: string): unknown {
    return this.writes.get(model)?.get(uid)?.error;
  }

  /** Returns an error that no caller has got yet; all others then count as told too. */
  takeUnthrown(): unknown {
    const unthrown = this.all().filter(([model, uid]) => this.told.get(`${model}:${uid}`) === false);
    for (const [model, uid] of unthrown) this.told.set(`${model}:${uid}`, true);
    const [first] = unthrown;
    return first === undefined ? undefined : this.errorOf(...first);
  }

  clear(): void {
    this.writes.clear();
    this.told.clear();
  }
}

/** Whether an error may be that of one object, while the others can be written. */
export function isItemError(error: unknown): boolean {
  return isDamage(error) || error instanceof ValueError;
}

/** After so many failures the others of a list are taken to fail too. */
const MAX_FAILURES = 20;

/**
 * Does something with each of many items, and finds those that fail.
 * @param work - has no effect, so that it may be repeated with a part of the items.
 * @returns the errors, by item.
 */
export async function findFailing(
  uids: readonly string[],
  work: (uids: readonly string[]) => Promise<void>,
): Promise<ReadonlyMap<string, unknown>> {
  const failures = new Map<string, unknown>();
  const tryAll = async (some: readonly string[]): Promise<void> => {
    try {
      await work(some);
    } catch (error) {
      if (!isItemError(error)) throw error;
      if (some.length === 1 || failures.size >= MAX_FAILURES) {
        for (const uid of some) failures.set(uid, error);
        return;
      }
      const half = Math.ceil(some.length / 2);
      await tryAll(some.slice(0, half));
      await tryAll(some.slice(half));
    }
  };
  if (uids.length > 0) await tryAll(uids);
  return failures;
}
