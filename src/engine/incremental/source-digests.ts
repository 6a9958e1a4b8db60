import { forEachYielding, giveWay } from '../../async/event-loop.js';
import { doInSteps, ITEMS_PER_STEP, type Steps } from '../../async/steps.js';
import { viewAll, viewByUids } from '../../store/engine-access.js';
import { checkAborted, type Side } from '../side.js';
import { DIGEST_BYTES, type ObjectDigester } from './object-digest.js';

/** Objects of one part: it is one object of a store, and unique ids may be long. */
const PART_OBJECTS = 4096;
const PART_CHARS = 64 * 1024;
/** Parts that say what has changed are merged into the others once they are so many. */
export const MAX_CHANGES = 24;

/** The digests of some objects of one model of the source. */
export interface DigestPart {
  readonly model: string;
  readonly uids: readonly string[];
  /** By position of `uids`; all bits 0: the object is gone. */
  readonly digests: Uint8Array;
}

/** The digests of the source's objects at the time of a baseline. */
export interface SourceDigests {
  /** Of all objects then, in the order of the store. */
  readonly base: readonly DigestPart[];
  /** Of those that have changed since, a part for each comparison: the last one holds. */
  readonly changes: readonly DigestPart[];
}

/** Digests all objects of the source, of the models that are compared. */
export async function digestAll(
  src: Side,
  types: Iterable<string>,
  digester: ObjectDigester,
  signal: AbortSignal | undefined,
): Promise<DigestPart[]> {
  const parts: DigestPart[] = [];
  for (const model of types) {
    const writer = new DigestWriter(model, digester, parts);
    await forEachYielding(await viewAll(src.store, model, signal), (view) => writer.add(view));
    writer.end();
    checkAborted(signal);
  }
  return parts;
}

/** Digests objects of the source. @param touched - Model -> unique ids; one that does not exist is noted as gone. */
export async function digestSome(
  src: Side,
  touched: Iterable<readonly [model: string, uids: readonly string[]]>,
  digester: ObjectDigester,
  signal: AbortSignal | undefined,
): Promise<DigestPart[]> {
  const parts: DigestPart[] = [];
  for (const [model, uids] of touched) {
    const writer = new DigestWriter(model, digester, parts);
    let at = 0;
    for await (const page of viewByUids(src.store, model, uids, signal)) {
      for (const view of page) {
        const uid = uids[at++] as string;
        if (view === undefined) writer.addGone(uid);
        else writer.add(view);
      }
      await giveWay();
    }
    writer.end();
  }
  return parts;
}

/**
 * Finds the objects whose digests are others now, that are new, or that are gone. An object that stands elsewhere in the order may
 * be found too.
 * @returns Model -> unique ids.
 */
export async function findChanged(
  { base, changes }: SourceDigests,
  now: readonly DigestPart[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const [before, later, after] = [joined(base), joined(changes), joined(now)];
  const changed = new Map<string, readonly string[]>();
  for (const model of new Set([...before.keys(), ...later.keys(), ...after.keys()])) {
    const found = new Set<string>();
    await doInSteps(comparing(before.get(model) ?? NONE, later.get(model) ?? NONE, after.get(model) ?? NONE, found));
    if (found.size > 0) changed.set(model, [...found]);
  }
  return changed;
}

/** The digests of one model, as one. */
interface Joined {
  readonly uids: readonly string[];
  readonly digests: DataView;
}

const NONE: Joined = { uids: [], digests: new DataView(new ArrayBuffer(0)) };
/** How far an object is looked for in the old order: so many in a row may be gone. */
const LOOK_AHEAD = 64;
/** Objects that are not found there, until all are looked up: the order is another one. */
const MAX_MISSES = 1024;

function* comparing(before: Joined, later: Joined, now: Joined, found: Set<string>): Steps<void> {
  const newest = new Map(later.uids.map((uid, at) => [uid, at]));
  const met = new Uint8Array(before.uids.length);
  let positions: Map<string, number> | undefined;
  let [next, misses] = [0, 0];
  for (let at = 0; at < now.uids.length; at++) {
    if (at % ITEMS_PER_STEP === 0) yield;
    const uid = now.uids[at] as string;
    let old = before.uids[next] === uid ? next : undefined;
    if (old === undefined) {
      if (positions === undefined && ++misses > MAX_MISSES)
        positions = new Map(before.uids.map((each, index) => [each, index]));
      const ahead = before.uids.slice(next, next + LOOK_AHEAD).indexOf(uid);
      old = positions === undefined ? (ahead === -1 ? undefined : next + ahead) : positions.get(uid);
    }
    if (old !== undefined) {
      met[old] = 1;
      next = old + 1;
    }
    const override = newest.get(uid);
    newest.delete(uid);
    const known = override === undefined ? old : override;
    const { digests } = override === undefined ? before : later;
    if (known === undefined || !isSame(digests, known, now.digests, at)) found.add(uid);
  }
  const rest = new Set(newest.keys());
  for (const [uid, at] of newest) if (!isGone(later.digests, at)) found.add(uid);
  for (let at = met.indexOf(0); at !== -1; at = met.indexOf(0, at + 1)) {
    yield;
    const uid = before.uids[at] as string;
    if (!rest.has(uid)) found.add(uid);
  }
}

/** Joins the parts of each model. */
function joined(parts: readonly DigestPart[]): Map<string, Joined> {
  const byModel = new Map<string, DigestPart[]>();
  for (const part of parts) {
    const known = byModel.get(part.model);
    if (known === undefined) byModel.set(part.model, [part]);
    else known.push(part);
  }
  return new Map(
    [...byModel].map(([model, all]) => {
      const bytes = Buffer.concat(all.map(({ digests }) => digests));
      const digests = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      return [model, { uids: all.flatMap(({ uids }) => uids), digests }];
    }),
  );
}

/** Writes the parts of one model. */
class DigestWriter {
  private uids: string[] = [];
  private chars = 0;
  private bytes = new Uint8Array(PART_OBJECTS * DIGEST_BYTES);
  private view = new DataView(this.bytes.buffer);

  constructor(
    private readonly model: string,
    private readonly digester: ObjectDigester,
    private readonly parts: DigestPart[],
  ) {}

  add(object: Parameters<ObjectDigester['write']>[0]): void {
    this.digester.write(object, this.view, this.uids.length * DIGEST_BYTES);
    this.push(object.getUniqueId());
  }

  addGone(uid: string): void {
    const offset = this.uids.length * DIGEST_BYTES;
    this.bytes.fill(0, offset, offset + DIGEST_BYTES);
    this.push(uid);
  }

  end(): void {
    const { model, uids } = this;
    if (uids.length === 0) return;
    this.parts.push({ model, uids, digests: this.bytes.slice(0, uids.length * DIGEST_BYTES) });
    this.uids = [];
    this.chars = 0;
  }

  private push(uid: string): void {
    this.uids.push(uid);
    this.chars += uid.length;
    if (this.uids.length === PART_OBJECTS || this.chars >= PART_CHARS) this.end();
  }
}

function isSame(a: DataView, from: number, b: DataView, at: number): boolean {
  const [old, current] = [from * DIGEST_BYTES, at * DIGEST_BYTES];
  return a.getUint32(old) === b.getUint32(current) && a.getUint32(old + 4) === b.getUint32(current + 4);
}

function isGone(digests: DataView, at: number): boolean {
  return digests.getUint32(at * DIGEST_BYTES) === 0 && digests.getUint32(at * DIGEST_BYTES + 4) === 0;
}
