/** Lists up to this length are compared with the snapshot on every call, longer ones once per so many of their length. */
const VERIFIED_LENGTH = 50;

/**
 * The unique ids of one child list with their positions, so that a look-up does not walk the list. Other code may change the
 * list in place: a positive answer is looked up in the list itself; before a negative one the list is compared with a snapshot,
 * on every call for lists of up to 50 unique ids, and for longer ones so often that many calls take time in proportion to
 * their number.
 */
export class ChildIndex {
  private snapshot: string[] = [];
  private positions = new Map<string, number>();
  /** How many unique ids were removed since the positions were set: a unique id is at most so far before its position. */
  private removed = 0;
  /** How many calls have not compared the list. */
  private unverified = 0;

  constructor(readonly list: string[]) {
    this.build();
  }

  /** Whether the list holds the unique id. */
  has(uid: string): boolean {
    if (this.positions.has(uid)) {
      if (this.find(uid) !== -1) return true;
      this.build();
    } else if (
      this.list.length !== this.snapshot.length ||
      ++this.unverified * VERIFIED_LENGTH >= this.list.length ||
      this.list.length <= VERIFIED_LENGTH
    ) {
      this.verify();
    }
    return this.positions.has(uid);
  }

  /** Appends a unique id to the list. */
  add(uid: string): void {
    // Later removals count from here on, so that the position is right for as many as there were before.
    this.positions.set(uid, this.list.length + this.removed);
    this.list.push(uid);
    this.snapshot.push(uid);
  }

  /** Takes a unique id that the list holds out of it, each time it occurs. */
  remove(uid: string): void {
    this.verify();
    const repeats = this.positions.size < this.list.length;
    let at = repeats ? this.list.indexOf(uid) : this.find(uid);
    do {
      this.list.splice(at, 1);
      this.snapshot.splice(at, 1);
      this.removed++;
      at = repeats ? this.list.indexOf(uid, at) : -1;
    } while (at !== -1);
    this.positions.delete(uid);
  }

  private find(uid: string): number {
    const { list, removed } = this;
    const last = this.positions.get(uid) as number;
    if (list[last] === uid) return last;
    return list[last - removed] === uid ? last - removed : list.indexOf(uid);
  }

  private verify(): void {
    this.unverified = 0;
    const { list, snapshot } = this;
    const { length } = list;
    if (length !== snapshot.length) return this.build();
    // Strings that are one object are found equal without a look at their text.
    for (let at = 0; at < length; at++) if (list[at] !== snapshot[at]) return this.build();
  }

  private build(): void {
    this.snapshot = [...this.list];
    this.positions = new Map();
    for (let at = 0; at < this.list.length; at++) this.positions.set(this.list[at] as string, at);
    this.removed = 0;
  }
}
