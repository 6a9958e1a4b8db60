/** Lists up to this length are compared with the snapshot on every call, longer ones once per so many of their length. */
const VERIFIED_LENGTH = 1000;

/**
 * The unique ids of one child list as a set, so that a look-up does not walk the list. Other code may change the list in place:
 * the index compares it with a snapshot, on every call for lists of up to 1,000 unique ids, and for longer ones so often that
 * many calls take time in proportion to their number. A positive answer is always compared.
 */
export class ChildIndex {
  private snapshot: string[] = [];
  private uids = new Set<string>();
  /** How many calls have not compared the list. */
  private unverified = 0;

  constructor(readonly list: string[]) {
    this.build();
  }

  /** Whether the list holds the unique id. */
  has(uid: string): boolean {
    const isLong = this.list.length > VERIFIED_LENGTH;
    if (!isLong || ++this.unverified >= this.list.length / VERIFIED_LENGTH) this.verify();
    else if (this.list.length !== this.snapshot.length || this.uids.has(uid)) this.verify();
    return this.uids.has(uid);
  }

  /** Appends a unique id to the list. */
  add(uid: string): void {
    this.list.push(uid);
    this.snapshot.push(uid);
    this.uids.add(uid);
  }

  /** Takes a unique id that the list holds out of it, each time it occurs. */
  remove(uid: string): void {
    const repeats = this.uids.size < this.list.length;
    let at = this.list.indexOf(uid);
    do {
      this.list.splice(at, 1);
      this.snapshot.splice(at, 1);
      at = repeats ? this.list.indexOf(uid, at) : -1;
    } while (at !== -1);
    this.uids.delete(uid);
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
    this.uids = new Set(this.list);
  }
}
