/** Lists up to this length are compared with the snapshot on every call, longer ones once per so many of their length. */
const VERIFIED_LENGTH = 50;
/** Unique ids that leave are taken out of a list once they are so large a part of it: an eighth. */
const LEAVING_PART = 8;

/**
 * The unique ids of one child list with their positions, so that a look-up does not walk the list. Other code may change the
 * list in place: a positive answer is looked up in the list itself; before a negative one the list is compared with a snapshot,
 * on every call for lists of up to 50 unique ids, and for longer ones so often that many calls take time in proportion to
 * their number.
 */
export class ChildIndex {
  /** The list as it was last seen; undefined where a unique id was removed. */
  private snapshot: (string | undefined)[] = [];
  /** Unique id -> where the snapshot has it; several times where it is repeated. */
  private positions = new Map<string, number | number[]>();
  private removed = new RemovedBefore();
  /** Unique ids that are removed and still in the list, and where the snapshot has them: see `removeLater`. */
  private readonly leaving = new Map<string, number | number[]>();
  /** How many calls have not compared the list. */
  private unverified = 0;

  constructor(readonly list: string[]) {
    this.build();
  }

  /** Whether the list holds the unique id. */
  has(uid: string): boolean {
    const known = this.positions.get(uid);
    if (known === undefined) this.verifyIfDue();
    else if (this.list[this.now(typeof known === 'number' ? known : (known[0] as number))] === uid) return true;
    else this.build();
    return this.positions.has(uid);
  }

  /** Appends a unique id to the list. */
  add(uid: string): void {
    if (this.leaving.has(uid)) this.build();
    this.positions.set(uid, this.snapshot.length);
    this.list.push(uid);
    this.snapshot.push(uid);
  }

  /** Takes a unique id that the list holds out of it, each time it occurs. */
  remove(uid: string): void {
    this.verifyIfDue();
    let found = this.find(uid);
    if (found === undefined) {
      this.build();
      found = this.find(uid) ?? [];
    }
    for (const at of found.toReversed()) removeAt(this.list, at);
    this.noteRemoved(this.positions.get(uid) ?? []);
    this.positions.delete(uid);
    if (this.isThin) this.build();
  }

  /**
   * Takes a unique id out as `remove` does, but the list itself still has it until `settle`: to take many out of a list of any
   * length, one by one, takes time in proportion to their number.
   */
  removeLater(uid: string): void {
    this.leaving.set(uid, this.positions.get(uid) ?? []);
    this.positions.delete(uid);
    if (this.leaving.size * LEAVING_PART > this.list.length) this.settle();
  }

  /** Takes out of the list what `removeLater` was called for. */
  settle(): void {
    if (this.leaving.size === 0) return;
    for (const positions of this.leaving.values()) this.noteRemoved(positions);
    this.takeOutLeaving();
    // The next call sees another length, and looks at the list anew.
    if (this.isThin) this.forget();
  }

  /** How many unique ids the list had when it was last seen. */
  private get length(): number {
    return this.snapshot.length - this.removed.count;
  }

  /** Whether every other one was removed: to begin anew takes less time than was saved. */
  private get isThin(): boolean {
    return this.removed.count * 2 > this.snapshot.length;
  }

  /** Notes that the list has no more what the snapshot has at these positions. */
  private noteRemoved(positions: number | readonly number[]): void {
    for (const at of typeof positions === 'number' ? [positions] : positions) {
      this.snapshot[at] = undefined;
      this.removed.add(at);
    }
  }

  /** @returns where the list has the unique id now, in order; undefined where it was changed by other code. */
  private find(uid: string): number[] | undefined {
    const known = this.positions.get(uid);
    if (known === undefined) return undefined;
    const found = (typeof known === 'number' ? [known] : known).map((position) => this.now(position));
    return found.every((at) => this.list[at] === uid) ? found : undefined;
  }

  /** @returns where the list has now what the snapshot has there. */
  private now(position: number): number {
    return position - this.removed.before(position);
  }

  private verifyIfDue(): void {
    const { length } = this.list;
    const isDue = length <= VERIFIED_LENGTH || ++this.unverified * VERIFIED_LENGTH >= length;
    if (isDue || length !== this.length) this.verify();
  }

  private verify(): void {
    this.unverified = 0;
    const { list, snapshot } = this;
    if (list.length !== this.length) return this.build();
    let at = 0;
    for (const uid of snapshot) {
      if (uid === undefined) continue;
      // Strings that are one object are found equal without a look at their text.
      if (list[at++] !== uid) return this.build();
    }
  }

  private takeOutLeaving(): void {
    let kept = 0;
    for (const uid of this.list) if (!this.leaving.has(uid)) this.list[kept++] = uid;
    this.list.length = kept;
    this.leaving.clear();
  }

  private forget(): void {
    this.snapshot = [];
    this.positions = new Map();
    this.removed = new RemovedBefore();
  }

  private build(): void {
    if (this.leaving.size > 0) this.takeOutLeaving();
    this.forget();
    const uids = [...this.list];
    this.snapshot = uids;
    // Of a long list each look-up counts, and nearly all lists have no unique id twice.
    for (let at = 0; at < uids.length; at++) this.positions.set(uids[at] as string, at);
    if (this.positions.size < uids.length) this.noteRepeated(uids);
  }

  private noteRepeated(uids: readonly string[]): void {
    this.positions.clear();
    for (const [at, uid] of uids.entries()) {
      const known = this.positions.get(uid);
      if (known === undefined) this.positions.set(uid, at);
      else if (typeof known === 'number') this.positions.set(uid, [known, at]);
      else known.push(at);
    }
  }
}

/** The start of a list, as a part of it, that is moved in place of what follows: a sixteenth. */
const START_PART = 16;

/** Takes an item out of a list. Near its start the items before it are moved: of a long list these are fewer. */
function removeAt(list: string[], at: number): void {
  if (at * START_PART >= list.length) {
    list.splice(at, 1);
    return;
  }
  for (let to = at; to > 0; to--) list[to] = list[to - 1] as string;
  list.shift();
}

/** Counts removed positions: a binary indexed tree, so that a look-up takes the logarithm of their number. */
class RemovedBefore {
  count = 0;
  /** Each node has the count of as many positions as its index has trailing zeros, up to its index. Its size is a power of two. */
  private sums = new Int32Array(0);

  add(position: number): void {
    while (position + 1 >= this.sums.length) this.grow();
    for (let at = position + 1; at < this.sums.length; at += at & -at) this.sums[at] = (this.sums[at] as number) + 1;
    this.count++;
  }

  /** @returns how many positions before this one were removed. */
  before(position: number): number {
    if (this.count === 0) return 0;
    let sum = 0;
    for (let at = Math.min(position, this.sums.length - 1); at > 0; at -= at & -at) sum += this.sums[at] as number;
    return sum;
  }

  private grow(): void {
    const { sums } = this;
    this.sums = new Int32Array(Math.max(64, 2 * sums.length));
    this.sums.set(sums);
    // The node in the middle has all that the smaller tree has.
    if (sums.length > 0) this.sums[sums.length] = this.count;
  }
}
