import { hash } from 'node:crypto';
import type { DiffChange } from '../diff/diff-changes.js';
import type { Attrs } from '../diff/compared-object.js';
import type { ModelRecord } from '../record/model-record.js';
import { fromExtendedJson, toExtendedJson } from '../values/extended-json.js';
import type { ChangeResult, DeletedRecord, RunChange } from './sync-run.js';

/** Changes of one part at most, and characters of its text. */
export const CHANGES_PER_PART = 32;
const PART_LENGTH = 65_536;
/** Changes in one record of the index. */
const CHANGES_PER_BUCKET = 128;

/** A change as the history keeps it. */
export type KeptChange = Omit<RunChange, 'run' | 'result'> & { readonly result?: ChangeResult | undefined };

/** The parts of the changes of one run, and the index of their objects. */
export interface ChangeParts {
  readonly parts: readonly string[];
  readonly buckets: readonly string[];
}

/** Returns what the history keeps of a change. @param secrets - The attributes of its model whose values it does not keep. */
export function keptChange(
  change: DiffChange,
  index: number,
  secrets: readonly string[],
  leftOut: string | undefined,
  record: ModelRecord | undefined,
): KeptChange {
  const { model, uid, parents, action, moves, old, new: changed } = change;
  const hidden = secrets.filter((name) => hasOwn(old, name) || hasOwn(changed, name));
  return {
    index,
    model,
    uid,
    parents,
    action,
    moves,
    old: withoutSecrets(old, hidden),
    new: withoutSecrets(changed, hidden),
    secrets: hidden,
    ...(record === undefined ? {} : { record: deletedRecord(record, secrets) }),
    ...(leftOut === undefined ? {} : { result: 'left-out', message: leftOut }),
  };
}

function deletedRecord({ data, flags }: ModelRecord, secrets: readonly string[]): DeletedRecord {
  const shown = withoutSecrets(data, secrets) ?? {};
  return flags === undefined ? { data: shown } : { data: shown, flags };
}

function hasOwn(attrs: Attrs | null, name: string): boolean {
  return attrs !== null && Object.hasOwn(attrs, name);
}

function withoutSecrets(attrs: Attrs | null, secrets: readonly string[]): Attrs | null {
  if (attrs === null || secrets.length === 0) return attrs;
  return Object.fromEntries(Object.entries(attrs).filter(([name]) => !secrets.includes(name)));
}

/** Divides changes into the texts of records. */
export class ChangeWriter {
  private readonly parts: string[] = [];
  /** The hash of each change's object, and its part. */
  private readonly places: { readonly hash: string; readonly part: number }[] = [];
  private lines: string[] = [];
  private length = 0;

  /** @param maxLength - The longest text that the store takes. */
  constructor(private readonly maxLength: number) {}

  add(change: KeptChange): void {
    const line = this.lineOf(change);
    if (this.lines.length === CHANGES_PER_PART || this.length + line.length > PART_LENGTH) this.endPart();
    this.lines.push(line);
    this.length += line.length;
    this.places.push({ hash: hashOf(change.model, change.uid), part: this.parts.length });
  }

  finish(): ChangeParts {
    this.endPart();
    const count = Math.ceil(this.places.length / CHANGES_PER_BUCKET);
    const buckets = Array.from({ length: count }, () => [] as string[]);
    for (const { hash, part } of this.places) buckets[bucketOf(hash, count)]?.push(`${hash}${part}\n`);
    return { parts: this.parts, buckets: buckets.map((entries) => entries.join('')) };
  }

  private endPart(): void {
    if (this.lines.length > 0) this.parts.push(this.lines.join(''));
    this.lines = [];
    this.length = 0;
  }

  private lineOf(change: KeptChange): string {
    const line = lineOfChange(change);
    if (line.length <= this.maxLength) return line;
    const { record: _, ...rest } = change;
    const message = `its values are not kept: they have ${line.length} characters`;
    return lineOfChange({ ...rest, old: rest.old && {}, new: rest.new && {}, message });
  }
}

/** Returns the line of a change, with its line break. Values that JSON lacks are in tagged form. */
export function lineOfChange({ parents, moves, secrets, old, new: changed, record, ...rest }: KeptChange): string {
  const line = {
    ...rest,
    parents: parents.map(({ model, uid }) => [model, uid]),
    ...(moves ? { moves } : {}),
    ...(secrets.length === 0 ? {} : { secrets }),
    old: toExtendedJson(old),
    new: toExtendedJson(changed),
    ...(record === undefined ? {} : { record: toExtendedJson(record) }),
  };
  return `${JSON.stringify(line)}\n`;
}

/** Reads a line back. */
export function changeOfLine(line: string): KeptChange {
  const { parents, moves, secrets, old, new: changed, record, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const change: unknown = {
    ...rest,
    parents: (parents as [string, string][]).map(([model, uid]) => ({ model, uid })),
    moves: moves === true,
    secrets: (secrets as string[] | undefined) ?? [],
    old: fromExtendedJson(old),
    new: fromExtendedJson(changed),
    ...(record === undefined ? {} : { record: fromExtendedJson(record) }),
  };
  return change as KeptChange;
}

/** Returns the index of the first change of a part. */
export function firstIndexOf(part: string): number {
  return changeOfLine(part.slice(0, part.indexOf('\n'))).index;
}

/** Returns the number of the bucket that an object's changes are in. */
export function bucketOfObject(model: string, uid: string, buckets: number): number {
  return bucketOf(hashOf(model, uid), buckets);
}

/** Returns the numbers of the parts that have changes of an object, by the text of its bucket. */
export function partsOfObject(bucket: string, model: string, uid: string): number[] {
  const hash = hashOf(model, uid);
  const parts = new Set<number>();
  for (let at = bucket.indexOf(hash); at !== -1; at = bucket.indexOf(hash, at + 1)) {
    if (at === 0 || bucket[at - 1] === '\n')
      parts.add(Number(bucket.slice(at + hash.length, bucket.indexOf('\n', at))));
  }
  return [...parts];
}

/** Returns the lines of a part that may be of an object: those with its unique id in them. */
export function linesOfObject(part: string, uid: string): string[] {
  const wanted = JSON.stringify(uid);
  return part.split('\n').filter((line) => line.includes(wanted));
}

/** 12 hexadecimal digits. */
export function hashOf(...names: readonly string[]): string {
  return hash('sha1', JSON.stringify(names), 'hex').slice(0, 12);
}

function bucketOf(hash: string, buckets: number): number {
  return Number.parseInt(hash.slice(0, 8), 16) % buckets;
}
