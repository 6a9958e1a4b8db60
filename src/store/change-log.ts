import { randomUUID } from 'node:crypto';

/** What was written to a model since the moment of a cursor. */
export interface ChangesSince {
  /** Names the moment of this answer, for the next question; undefined where the store keeps no log of changes. */
  readonly cursor: string | undefined;
  /** The unique ids of the objects that were added, changed or removed since, each once; undefined where that is not known. */
  readonly uids: readonly string[] | undefined;
}

/** So many entries are kept at least, and this part of the number of objects: with more changes a full comparison is due. */
export const KEPT_CHANGES = 16_384;
export const KEPT_PART = 1 / 8;

/** The log of changes of one model, in the memory of this process: the unique ids that were written, in order. */
export class ChangeLog {
  /** No cursor of another log is one of this. */
  private readonly id = randomUUID();
  private readonly uids: string[] = [];
  /** How many were dropped before the first of `uids`. */
  private dropped = 0;

  /** Notes that an object was written. @param objects - the number of objects of the model. */
  note(uid: string, objects: number): void {
    this.uids.push(uid);
    const kept = Math.max(KEPT_CHANGES, objects * KEPT_PART);
    if (this.uids.length <= 2 * kept) return;
    const dropped = this.uids.length - kept;
    this.uids.splice(0, dropped);
    this.dropped += dropped;
  }

  /** Returns what was written since a cursor. */
  since(cursor: string | undefined): ChangesSince {
    const end = this.dropped + this.uids.length;
    const [id, number] = cursor?.split(' ') ?? [];
    const from = Number(number) - this.dropped;
    const uids =
      id === this.id && from >= 0 && from <= this.uids.length ? [...new Set(this.uids.slice(from))] : undefined;
    return { cursor: `${this.id} ${end}`, uids };
  }
}
