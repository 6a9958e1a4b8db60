import { ObjectAlreadyExists, ObjectNotFound, ObjectStoreException } from '../../src/index.js';

/** An object's content; undefined where there is none. */
export type State = string | undefined;
export type Write = 'add' | 'update' | 'remove';
export type Outcome = 'done' | 'exists' | 'missing' | 'unknown' | 'not done';

/**
 * What may be in a store, for objects that one writer alone writes: one state each, and several after a write whose outcome
 * no caller knows. An answer that fits none of them is a lie.
 */
export class PossibleStates {
  private readonly states = new Map<string, ReadonlySet<State>>();

  of(uid: string): ReadonlySet<State> {
    return this.states.get(uid) ?? new Set<State>([undefined]);
  }

  /** Whether a write of these objects may have had this outcome. What it tells is kept. */
  write(kind: Write, objs: readonly { readonly name: string; readonly role: string }[], outcome: Outcome): boolean {
    const after = (before: State, role: string): State =>
      kind === 'update' ? role : kind === 'remove' ? undefined : (before ?? role);
    if (outcome === 'not done') return true;
    const refused = (before: State, role: string): boolean =>
      kind === 'add' ? before !== undefined && before !== role : kind === 'remove' && before === undefined;
    const possible = objs.map(({ name, role }) => [...this.of(name)].map((before) => refused(before, role)));
    for (const { name, role } of objs) {
      const before = [...this.of(name)];
      const wasDone = outcome === 'done' ? before.filter((state) => !refused(state, role)) : before;
      const alone = outcome !== 'unknown' && outcome !== 'done' && objs.length === 1;
      const wasRefused = alone ? before.filter((state) => refused(state, role)) : wasDone;
      const now = wasRefused.map((state) => after(state, role));
      this.states.set(name, new Set(outcome === 'unknown' ? [...before, ...now] : now));
    }
    if (outcome === 'unknown') return true;
    if (outcome === 'done') return possible.every((each) => each.includes(false));
    return (
      kind !== 'update' && (outcome === 'exists') === (kind === 'add') && possible.some((each) => each.includes(true))
    );
  }

  /** Whether the object may have been so. From now on it is. */
  read(uid: string, found: State): boolean {
    const fits = this.of(uid).has(found);
    this.states.set(uid, new Set([found]));
    return fits;
  }
}

/** @throws what is no outcome of a write. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof ObjectAlreadyExists) return 'exists';
  if (error instanceof ObjectNotFound) return 'missing';
  if (!(error instanceof ObjectStoreException)) throw error;
  return error.code === 'STORE_OUTCOME_UNKNOWN' ? 'unknown' : 'not done';
}
