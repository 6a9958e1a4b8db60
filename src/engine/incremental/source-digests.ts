import { giveWay, forEachYielding } from '../../async/event-loop.js';
import { viewAll, viewByUids } from '../../store/engine-access.js';
import { checkAborted, type Side } from '../side.js';
import { DIGEST_BYTES, type ObjectDigester } from './object-digest.js';

/** Objects of one part: it is one object of a store, and unique ids may be long. */
const PART_OBJECTS = 4096;
const PART_CHARS = 64 * 1024;
/** Parts that say what has changed are merged into the others once they are so many. */
export const MAX_DELTAS = 24;

/** The digests of some objects of one model of the source. What a later part says of an object holds. */
export interface DigestPart {
  readonly model: string;
  readonly uids: readonly string[];
  /** By position of `uids`; all bits 0: the object is gone. */
  readonly digests: Uint8Array;
}

/** Unique id -> where its digest is. */
type Known = Map<string, readonly [digests: Uint8Array, offset: number]>;

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

/** Finds the objects whose digests are others now, that are new, or that are gone. @returns Model -> unique ids. */
export async function findChanged(
  before: readonly DigestPart[],
  now: readonly DigestPart[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const known = new Map<string, Known>();
  for (const { model, uids, digests } of before) {
    const ofModel: Known = known.get(model) ?? new Map();
    known.set(model, ofModel);
    let at = 0;
    await forEachYielding(uids, (uid) => ofModel.set(uid, [digests, at++ * DIGEST_BYTES]));
  }
  const changed = new Map<string, string[]>();
  const note = (model: string, uid: string): void => {
    const uids = changed.get(model);
    if (uids === undefined) changed.set(model, [uid]);
    else uids.push(uid);
  };
  for (const { model, uids, digests } of now) {
    const ofModel: Known | undefined = known.get(model);
    let at = 0;
    await forEachYielding(uids, (uid) => {
      const found = ofModel?.get(uid);
      if (found === undefined || !isSame(...found, digests, at * DIGEST_BYTES)) note(model, uid);
      ofModel?.delete(uid);
      at++;
    });
  }
  for (const [model, rest] of known) {
    await forEachYielding(rest, ([uid, [digests, offset]]) => {
      if (!isGone(digests, offset)) note(model, uid);
    });
  }
  return changed;
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

function isSame(a: Uint8Array, from: number, b: Uint8Array, at: number): boolean {
  for (let byte = 0; byte < DIGEST_BYTES; byte++) if (a[from + byte] !== b[at + byte]) return false;
  return true;
}

function isGone(digests: Uint8Array, offset: number): boolean {
  for (let byte = 0; byte < DIGEST_BYTES; byte++) if (digests[offset + byte] !== 0) return false;
  return true;
}
