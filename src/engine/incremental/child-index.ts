import type { Steps } from '../../async/steps.js';

/** Bytes of the hash of a child. Two children of one parent share a hash in one of 5 * 10^8 parents of 1,000 children. */
const HASH_BYTES = 6;
/** Children between two steps. */
const CHILDREN_PER_STEP = 2048;
/** Bytes of a part at most, unless one unique id is longer: a part is one object of a store. */
const PART_BYTES = 128 * 1024;

/** The children of some parents, as a baseline keeps them. */
export interface IndexPart {
  /** Model and unique id of each parent, one after the other. */
  readonly parents: readonly string[];
  /** How many children each parent has. */
  readonly counts: readonly number[];
  /** The hashes of the children, parent by parent. */
  readonly hashes: Uint8Array;
}

/** A model and a unique id. */
export type ObjectRef = readonly [type: string, uid: string];

/**
 * Which objects listed which children at the time of a baseline, on either side. It is an index from a child to its parents: a
 * child that was written is placed without reading all parents. A child is known by a hash of its model and unique id, so that a
 * parent too many may be found, and none too few.
 */
export class ChildIndex {
  private readonly slices = new Map<string, readonly Uint8Array[]>();

  constructor(readonly parts: readonly IndexPart[]) {
    for (const part of parts) {
      for (const [parent, hashes] of entriesOf(part)) {
        const key = keyOf(...parent);
        this.slices.set(key, [...(this.slices.get(key) ?? []), hashes]);
      }
    }
  }

  /** Finds all parents that listed any of the children. */
  *findingParents(children: Iterable<ObjectRef>): Steps<ObjectRef[]> {
    const wanted = new Set<number>();
    // One look at a byte rules out most children, without a number for each.
    const filter = new Uint8Array(65_536);
    for (const [type, uid] of children) {
      const hash = childHash(type, uid);
      wanted.add(hash);
      filter[hash % 65_536] = 1;
    }
    const parents: ObjectRef[] = [];
    if (wanted.size === 0) return parents;
    let seen = 0;
    for (const part of this.parts) {
      for (const [parent, hashes] of entriesOf(part)) {
        let found = false;
        for (let at = 0; at < hashes.length; at += HASH_BYTES) {
          if (seen++ % CHILDREN_PER_STEP === 0) yield;
          const low = (hashes[at] as number) | ((hashes[at + 1] as number) << 8);
          if (filter[low] === 1 && !found) found = wanted.has(hashAt(hashes, at));
        }
        if (found) parents.push(parent);
      }
    }
    return parents;
  }

  /** Returns the hashes of the children that a parent listed. */
  childrenOf(type: string, uid: string): number[] {
    return (this.slices.get(keyOf(type, uid)) ?? []).flatMap((hashes) =>
      Array.from({ length: hashes.length / HASH_BYTES }, (_, at) => hashAt(hashes, at * HASH_BYTES)),
    );
  }

  /**
   * Makes the index of a later baseline.
   * @param changed - the parents whose children may be others now, by `keyOf`; a parent without children is left out.
   * @returns the parts; those that have none of these parents are the ones that there were.
   */
  *changing(changed: ReadonlyMap<string, readonly ObjectRef[]>, partBytes?: number): Steps<IndexPart[]> {
    const written = new Set<string>();
    const parts: IndexPart[] = [];
    for (const part of this.parts) {
      const entries = [...entriesOf(part)];
      if (!entries.some(([parent]) => changed.has(keyOf(...parent)))) {
        parts.push(part);
        continue;
      }
      const writer = new ChildIndexWriter(partBytes);
      for (const [parent, hashes] of entries) {
        yield;
        const key = keyOf(...parent);
        const children = changed.get(key);
        if (children === undefined) writer.copy(parent, hashes);
        else if (!written.has(key)) yield* writer.adding(parent, children);
        written.add(key);
      }
      for (const each of writer.finish()) parts.push(each);
    }
    const added = new ChildIndexWriter(partBytes);
    for (const [key, children] of changed) {
      yield;
      if (!written.has(key)) yield* added.adding(refOf(key), children);
    }
    for (const each of added.finish()) parts.push(each);
    return parts;
  }
}

function* entriesOf({ parents, counts, hashes }: IndexPart): Generator<[parent: ObjectRef, hashes: Uint8Array]> {
  let from = 0;
  for (let at = 0; at < counts.length; at++) {
    const end = from + (counts[at] as number) * HASH_BYTES;
    yield [[parents[2 * at] as string, parents[2 * at + 1] as string], hashes.subarray(from, end)];
    from = end;
  }
}

/** Writes the parts of an index, parent by parent. A parent with very many children is in several parts. */
export class ChildIndexWriter {
  private readonly parts: IndexPart[] = [];
  private parents: string[] = [];
  private counts: number[] = [];
  private textBytes = 0;
  private bytes = new Uint8Array(4096);
  private length = 0;

  constructor(private readonly partBytes = PART_BYTES) {}

  /** Adds a parent with its children, each once. */
  *adding(parent: ObjectRef, children: readonly ObjectRef[]): Steps<void> {
    const hashes = new Uint8Array(children.length * HASH_BYTES);
    for (let at = 0; at < children.length; at++) {
      if (at % CHILDREN_PER_STEP === CHILDREN_PER_STEP - 1) yield;
      const [type, uid] = children[at] as ObjectRef;
      writeHash(hashes, at * HASH_BYTES, childHash(type, uid));
    }
    this.copy(parent, hashes);
  }

  /** Adds a parent with children whose hashes are known. */
  copy([type, uid]: ObjectRef, hashes: Uint8Array): void {
    for (let from = 0; from < hashes.length;) {
      const room = Math.max(this.partBytes - this.length - this.textBytes, HASH_BYTES);
      const slice = hashes.subarray(from, from + room - (room % HASH_BYTES));
      this.reserve(slice.length);
      this.bytes.set(slice, this.length);
      this.length += slice.length;
      this.parents.push(type, uid);
      this.counts.push(slice.length / HASH_BYTES);
      this.textBytes += 3 * (type.length + uid.length);
      from += slice.length;
      if (this.length + this.textBytes >= this.partBytes) this.endPart();
    }
  }

  finish(): IndexPart[] {
    this.endPart();
    return this.parts;
  }

  private endPart(): void {
    if (this.counts.length === 0) return;
    this.parts.push({ parents: this.parents, counts: this.counts, hashes: this.bytes.slice(0, this.length) });
    [this.parents, this.counts, this.textBytes, this.length] = [[], [], 0, 0];
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.length + more));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

/** Names an object: no model has a space in its name. */
export function keyOf(type: string, uid: string): string {
  return `${type} ${uid}`;
}

/** Returns the object that `keyOf` names. */
export function refOf(key: string): ObjectRef {
  const end = key.indexOf(' ');
  return [key.slice(0, end), key.slice(end + 1)];
}

/** Returns a hash of 48 bits of a model and a unique id: two multiplicative hashes of 32 bits, of which one gives 16. */
export function childHash(type: string, uid: string): number {
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  for (const text of [type, uid]) {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x85ebca6b);
      b ^= b >>> 15;
    }
    // What ends a text is no character of it.
    a = Math.imul(a ^ 0x10000, 0x01000193);
    b = Math.imul(b ^ 0x10000, 0x85ebca6b);
  }
  a ^= a >>> 16;
  b = Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b ^= b >>> 16;
  return (a >>> 0) * 65_536 + (b & 0xffff);
}

function writeHash(bytes: Uint8Array, offset: number, hash: number): void {
  let rest = hash;
  for (let at = 0; at < HASH_BYTES; at++) {
    bytes[offset + at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

function hashAt(bytes: Uint8Array, offset: number): number {
  let hash = 0;
  for (let at = HASH_BYTES - 1; at >= 0; at--) hash = hash * 256 + (bytes[offset + at] as number);
  return hash;
}
