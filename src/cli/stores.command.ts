import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { DiffSyncError, ObjectStoreException, ValueError } from '../errors.js';
import type { RedisCatalog, StoreEntry } from '../store/redis/redis-catalog.js';
import type { RedisStoreOptions } from '../store/redis/redis-options.js';
import type { StoreReport } from '../store/verify-report.js';
import { printable, table, type Column } from './table.js';

/** What a command may use of its process. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface StoresCommand {
  /** Where the stores are. */
  readonly server: RedisStoreOptions;
  /** Ids of the stores to verify, or to remove; without any, all are listed. */
  readonly verify: readonly string[];
  readonly prune: readonly string[];
  readonly repair: boolean;
  /** Remove without asking. */
  readonly yes: boolean;
  readonly json: boolean;
}

/**
 * @returns whether all is well: false when a store that was verified is still damaged.
 * @throws ValueError for what can never work, else ObjectStoreException or DiffSyncError.
 */
export async function stores(command: StoresCommand, io: Io): Promise<boolean> {
  if (command.prune.length > 0 && !command.yes && io.stdin.isTTY !== true) {
    throw new ValueError('--prune asks first, and there is no terminal to ask at: add --yes');
  }
  const inventory = await (await loadInventory()).open(command.server);
  try {
    if (command.verify.length > 0) return await verify(inventory, command, io);
    await (command.prune.length === 0 ? list(inventory, command, io) : prune(inventory, command, io));
    return true;
  } finally {
    await inventory.close();
  }
}

async function list(inventory: RedisCatalog, { json }: StoresCommand, { stdout }: Io): Promise<void> {
  const entries = (await inventory.list()).map(withTotals);
  if (json) stdout.write(`${JSON.stringify({ address: inventory.address, stores: entries })}\n`);
  else if (entries.length === 0) stdout.write(`No stores at ${inventory.address}\n`);
  else stdout.write(listing(entries));
}

async function verify(inventory: RedisCatalog, { verify, repair, json }: StoresCommand, io: Io): Promise<boolean> {
  checkFound(verify, await inventory.ids(), inventory);
  const verified: ({ id: string } & StoreReport)[] = [];
  for (const id of verify) {
    const report = await inventory.verify(id, { repair });
    verified.push({ id, ...report });
    if (!json) io.stdout.write(findings(id, report));
  }
  if (json) io.stdout.write(`${JSON.stringify({ address: inventory.address, verified })}\n`);
  return verified.every(({ clean }) => clean);
}

async function prune(inventory: RedisCatalog, { prune, yes, json }: StoresCommand, io: Io): Promise<void> {
  const entries = await inventory.list(new Set(prune));
  checkFound(prune, new Set(entries.map(({ id }) => id)), inventory);
  const removed: { id: string; objects: number }[] = [];
  const kept: string[] = [];
  const say = (text: string): unknown => !json && io.stdout.write(`${text}\n`);
  const questions = yes ? undefined : new Questions(io);
  try {
    for (const { id, objects: there } of entries.map(withTotals)) {
      const name = printable(id);
      if ((await questions?.confirm(`Remove store "${name}" with ${counted(there, 'object')}?`)) === false) {
        kept.push(id);
        say(`Kept "${name}"`);
        continue;
      }
      const objects = await inventory.remove(id);
      removed.push({ id, objects });
      say(`Removed "${name}": ${counted(objects, 'object')}`);
    }
  } finally {
    questions?.close();
  }
  if (json) io.stdout.write(`${JSON.stringify({ address: inventory.address, removed, kept })}\n`);
}

/** Asked on standard error, so that standard output holds results only. */
class Questions {
  private readonly lines: Interface;
  private readonly closed: Promise<void>;
  private open = true;

  constructor(private readonly io: Io) {
    this.lines = createInterface({ input: io.stdin, output: io.stderr });
    this.closed = once(this.lines, 'close').then(() => {
      this.open = false;
    });
  }

  /** The end of input and Ctrl-C say no, to this question and to those that would follow. */
  async confirm(question: string): Promise<boolean> {
    if (!this.open) return false;
    const answer = this.lines.question(`${question} [y/N] `).catch(() => undefined);
    const text = await Promise.race([answer, this.closed]);
    if (typeof text === 'string') return /^\s*y(es)?\s*$/i.test(text);
    this.io.stderr.write('\n');
    return false;
  }

  close(): void {
    this.lines.close();
  }
}

const COLUMNS: readonly Column[] = [
  { heading: 'store' },
  { heading: 'objects', right: true },
  { heading: 'bytes', right: true },
  { heading: 'last change' },
  { heading: 'format' },
];

const PROBLEM_COLUMNS: readonly Column[] = [
  { heading: 'problem' },
  { heading: 'model' },
  { heading: 'unique id' },
  { heading: 'repaired' },
];
/** Problems of a store that are printed. */
const SHOWN = 20;

function findings(id: string, { objects, found, repaired, problems }: StoreReport): string {
  const wrong = found === 0 ? 'no problem' : `${counted(found, 'problem')}, ${grouped(repaired)} repaired`;
  const line = `"${printable(id)}": ${counted(objects, 'object')}, ${wrong}\n`;
  if (found === 0) return line;
  const shown = problems.slice(0, SHOWN);
  // What is wrong with a whole key has no unique id.
  const rows = shown.map(({ kind, model = '-', uniqueId, at = '-', repaired: mended }) => [
    kind,
    model,
    uniqueId ?? `(${at})`,
    mended ? 'yes' : 'no',
  ]);
  const more = found === shown.length ? '' : `and ${grouped(found - shown.length)} more\n`;
  return `${line}${table(PROBLEM_COLUMNS, rows)}${more}`;
}

/** @throws DiffSyncError */
function checkFound(wanted: readonly string[], found: ReadonlySet<string>, { address }: RedisCatalog): void {
  const missing = wanted.filter((id) => !found.has(id));
  if (missing.length === 0) return;
  throw new DiffSyncError(`no store ${missing.map((id) => `"${id}"`).join(', ')} at ${address}`);
}

type Totals = Pick<StoreEntry['models'][number], 'objects' | 'bytes' | 'changed'>;

function withTotals(entry: StoreEntry): StoreEntry & Totals {
  const { id, models } = entry;
  const changes = models.flatMap(({ changed }) => (changed === undefined ? [] : [changed]));
  return {
    id,
    objects: models.reduce((sum, { objects }) => sum + objects, 0),
    bytes: models.reduce((sum, { bytes }) => sum + bytes, 0),
    changed: changes.length === 0 ? undefined : Math.max(...changes),
    models,
  };
}

function listing(entries: readonly (StoreEntry & Totals)[]): string {
  const numbers = ({ objects, bytes, changed }: Totals): string[] => [
    grouped(objects),
    `~${grouped(bytes)}`,
    changed === undefined ? '-' : new Date(changed).toISOString(),
  ];
  const rows = entries.flatMap((entry) => [
    [entry.id, ...numbers(entry), ''],
    ...entry.models.map((model) => [
      `  ${model.name}${model.named ? '' : ' (unlisted)'}`,
      ...numbers(model),
      model.format ?? '-',
    ]),
  ]);
  return table(COLUMNS, rows);
}

function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

async function loadInventory(): Promise<typeof RedisCatalog> {
  try {
    return (await import('../store/redis/redis-catalog.js')).RedisCatalog;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new ObjectStoreException('Listing stores needs the package "ioredis": npm install ioredis', {
      code: 'STORE_PACKAGE_MISSING',
      cause: error,
    });
  }
}
