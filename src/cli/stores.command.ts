import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline/promises';
import { DiffSyncError, ValueError } from '../errors.js';
import { RedisCatalog, type StoreEntry } from '../store/redis/redis-catalog.js';
import type { AnyRedisOptions } from '../store/redis/redis-options.js';
import type { StoreReport } from '../store/verify-report.js';
import { visibleText } from '../values/visible-text.js';
import type { Io } from './io.js';
import { table, type Column } from './table.js';

/** The command `stores`, as `readStoresArguments` reads it. */
export interface StoresCommand {
  /** The server of the stores. */
  readonly server: AnyRedisOptions;
  /** Ids of the stores to verify. The command lists all stores where all lists of ids are empty. */
  readonly verify: readonly string[];
  /** Ids of the stores to raise to the format in which their changes are logged. */
  readonly upgrade: readonly string[];
  /** Ids of the stores to remove. */
  readonly prune: readonly string[];
  /** Whether to repair what is verified. */
  readonly repair: boolean;
  /** Whether to remove without a confirmation. */
  readonly yes: boolean;
  /** Whether to print one line of JSON. */
  readonly json: boolean;
}

/**
 * Runs the command `stores`.
 * @returns true when all is well; false when a store that was verified is still damaged.
 * @throws {ValueError} (VALUE_ERROR) for wrong options, else ObjectStoreException or DiffSyncError.
 */
export async function stores(command: StoresCommand, io: Io): Promise<boolean> {
  if (command.prune.length > 0 && !command.yes && io.stdin.isTTY !== true) {
    throw new ValueError('--prune asks first, and there is no terminal to ask at: add --yes');
  }
  const catalog = await RedisCatalog.open(command.server);
  try {
    if (command.verify.length > 0) return await verify(catalog, command, io);
    if (command.upgrade.length > 0) await upgrade(catalog, command, io);
    else await (command.prune.length === 0 ? list(catalog, command, io) : prune(catalog, command, io));
    return true;
  } finally {
    await catalog.close();
  }
}

async function list(catalog: RedisCatalog, { json }: StoresCommand, { stdout }: Io): Promise<void> {
  const entries = (await catalog.list()).map(withTotals);
  if (json) stdout.write(`${JSON.stringify({ address: catalog.address, stores: entries })}\n`);
  else if (entries.length === 0) stdout.write(`No stores at ${catalog.address}\n`);
  else stdout.write(listing(entries));
}

async function verify(catalog: RedisCatalog, { verify, repair, json }: StoresCommand, io: Io): Promise<boolean> {
  checkFound(verify, await catalog.ids(), catalog);
  const verified: ({ id: string } & StoreReport)[] = [];
  for (const id of verify) {
    const report = await catalog.verify(id, { repair });
    verified.push({ id, ...report });
    if (!json) io.stdout.write(findings(id, report));
  }
  if (json) io.stdout.write(`${JSON.stringify({ address: catalog.address, verified })}\n`);
  return verified.every(({ clean }) => clean);
}

async function upgrade(catalog: RedisCatalog, { upgrade: ids, json }: StoresCommand, { stdout }: Io): Promise<void> {
  checkFound(ids, await catalog.ids(), catalog);
  for (const id of ids) await catalog.upgrade(id);
  const upgraded = (await catalog.list(new Set(ids))).map(({ id, models }) => ({
    id,
    models: models.map(({ name, format }) => ({ name, format })),
  }));
  if (json) stdout.write(`${JSON.stringify({ address: catalog.address, upgraded })}\n`);
  for (const { id, models } of json ? [] : upgraded) {
    const formats = models.map(({ name, format = '-' }) => `${name} in format ${format}`);
    stdout.write(`Upgraded "${visibleText(id)}": ${formats.join('; ')}\n`);
  }
}

async function prune(catalog: RedisCatalog, { prune, yes, json }: StoresCommand, io: Io): Promise<void> {
  const entries = await catalog.list(new Set(prune));
  checkFound(prune, new Set(entries.map(({ id }) => id)), catalog);
  const removed: { id: string; objects: number }[] = [];
  const kept: string[] = [];
  const print = (line: string): unknown => !json && io.stdout.write(`${line}\n`);
  const prompt = yes ? undefined : new Prompt(io);
  try {
    for (const { id, objects: present } of entries.map(withTotals)) {
      const name = visibleText(id);
      if ((await prompt?.confirm(`Remove store "${name}" with ${counted(present, 'object')}?`)) === false) {
        kept.push(id);
        print(`Kept "${name}"`);
        continue;
      }
      const objects = await catalog.remove(id);
      removed.push({ id, objects });
      print(`Removed "${name}": ${counted(objects, 'object')}`);
    }
  } finally {
    prompt?.close();
  }
  if (json) io.stdout.write(`${JSON.stringify({ address: catalog.address, removed, kept })}\n`);
}

/** Prompts for confirmation on standard error, so that standard output has results only. */
class Prompt {
  private readonly lines: Interface;
  private readonly closed: Promise<void>;
  private open = true;

  constructor(private readonly io: Io) {
    this.lines = createInterface({ input: io.stdin, output: io.stderr });
    this.closed = once(this.lines, 'close').then(() => {
      this.open = false;
    });
  }

  /** @returns whether the user confirms. The end of input and Ctrl-C mean no, for this question and for all that follow. */
  async confirm(question: string): Promise<boolean> {
    if (!this.open) return false;
    const reply = this.lines.question(`${question} [y/N] `).catch(() => undefined);
    const line = await Promise.race([reply, this.closed]);
    if (typeof line === 'string') return /^\s*y(es)?\s*$/i.test(line);
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
/** How many problems of a store are printed. */
const MAX_PRINTED = 20;

function findings(id: string, { objects, found, repaired, problems }: StoreReport): string {
  const wrong = found === 0 ? 'no problem' : `${counted(found, 'problem')}, ${grouped(repaired)} repaired`;
  const line = `"${visibleText(id)}": ${counted(objects, 'object')}, ${wrong}\n`;
  if (found === 0) return line;
  const shown = problems.slice(0, MAX_PRINTED);
  // A problem of a whole key has no unique id.
  const rows = shown.map(({ kind, model = '-', uniqueId, at = '-', repaired: wasRepaired }) => [
    kind,
    model,
    uniqueId ?? `(${at})`,
    wasRepaired ? 'yes' : 'no',
  ]);
  const more = found === shown.length ? '' : `and ${grouped(found - shown.length)} more\n`;
  return `${line}${table(PROBLEM_COLUMNS, rows)}${more}`;
}

/** @throws {DiffSyncError} (DIFFSYNC_ERROR) that names the ids of no store. */
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
    changed: changes.length === 0 ? undefined : changes.reduce((last, each) => Math.max(last, each)),
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
