import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis, RedisCommander } from 'ioredis';

/** The atomic steps, as methods that `defineScripts` adds to a client. A file's header says what goes in and comes out. */
export interface RedisScripts {
  /** Lists among the arguments count as what they hold, which spares copies of long ones. */
  diffsyncInsert(index: string, state: string, ...args: (string | readonly string[])[]): Promise<(number | string)[]>;
  diffsyncPut(index: string, state: string, ...args: (string | readonly string[])[]): Promise<number>;
  diffsyncSwap(index: string, state: string, ...args: string[]): Promise<number[]>;
  diffsyncDelete(index: string, state: string, ...args: string[]): Promise<number[]>;
  diffsyncSave(numberOfKeys: number, ...keysAndArgs: (string | readonly string[])[]): Promise<(number | string)[][]>;
  /** As `diffsyncSave` for what makes the store no larger: allowed on a full server. */
  diffsyncShrink(numberOfKeys: number, ...keysAndArgs: (string | readonly string[])[]): Promise<(number | string)[][]>;
  diffsyncClear(index: string, state: string, prefix: string, most: number, limit: string): Promise<number>;
  diffsyncRenew(
    index: string,
    state: string,
    prefix: string,
    after: string,
    ttl: number,
    most: number,
  ): Promise<string>;
  /** @param limit as of every write: by the server's clock, in ms since 1970. */
  diffsyncUnname(models: string, model: string, limit: string): Promise<number>;
  diffsyncUnplace(places: string, layout: string, limit: string): Promise<number>;
  diffsyncTime(key: string): Promise<[seconds: string, micros: string]>;
  diffsyncRecheck(index: string, state: string, prefix: string, ...uids: string[]): Promise<(number | string)[]>;
  diffsyncLost(index: string, state: string): Promise<number>;
  diffsyncExamine(index: string, prefix: string, ...uids: Buffer[]): Promise<string[]>;
  diffsyncMend(index: string, state: string, ...args: (string | Buffer)[]): Promise<number>;
}

interface Script {
  /** Its name ends in the number of its keys, where that is always the same. */
  readonly file: string;
  /** Which arguments are unique ids: the first one, and how many arguments each object has. */
  readonly uids?: readonly [first: number, each: number];
  /** Those of the script, where the file names none. */
  readonly flags?: string;
}

const SCRIPTS: Record<keyof RedisScripts, Script> = {
  diffsyncInsert: { file: 'insert-2.lua', uids: [8, 2] },
  diffsyncPut: { file: 'put-2.lua', uids: [8, 2] },
  diffsyncSwap: { file: 'swap-2.lua', uids: [7, 3] },
  diffsyncDelete: { file: 'delete-2.lua', uids: [7, 1] },
  diffsyncSave: { file: 'save.lua' },
  diffsyncShrink: { file: 'save.lua', flags: 'allow-oom' },
  diffsyncClear: { file: 'clear-2.lua' },
  diffsyncRenew: { file: 'renew-2.lua' },
  diffsyncUnname: { file: 'unname-1.lua' },
  diffsyncUnplace: { file: 'unplace-2.lua' },
  diffsyncTime: { file: 'time-1.lua' },
  diffsyncRecheck: { file: 'recheck-2.lua', uids: [2, 1] },
  diffsyncLost: { file: 'lost-2.lua' },
  diffsyncExamine: { file: 'examine-1.lua', uids: [2, 1] },
  diffsyncMend: { file: 'mend-2.lua', uids: [9, 1] },
};
/** Go before those that use what they define. */
const LEDGER = 'ledger-2.lua';
const PLACES = 'places-0.lua';
const GUARD = 'guard-1.lua';

/** One server's client, or a cluster's. */
export type ScriptedRedis = RedisCommander & Pick<Redis, 'multi' | 'call'> & RedisScripts;

/** @param cluster whether keys may be about to move to another node. */
export function defineScripts(client: Pick<Redis, 'defineCommand'>, { cluster }: { readonly cluster: boolean }): void {
  for (const [name, script] of Object.entries(SCRIPTS)) {
    const keys = /-(\d+)\.lua$/.exec(script.file)?.[1];
    const lua = textOf(script, cluster);
    client.defineCommand(name, keys === undefined ? { lua } : { lua, numberOfKeys: Number(keys) });
  }
}

/** The command at a line of the script with this SHA-1, as an error of the server names both. */
export function scriptCommand(sha: string, line: number): string | undefined {
  const texts = Object.values(SCRIPTS).flatMap((script) => [textOf(script, false), textOf(script, true)]);
  const text = texts.find((each) => createHash('sha1').update(each).digest('hex') === sha);
  return /redis\.p?call\('(\w+)'/.exec(text?.split('\n')[line - 1] ?? '')?.[1]?.toLowerCase();
}

function textOf({ file, uids, flags }: Script, cluster: boolean): string {
  const text = readScript(file);
  const [shebang, ...body] = text.split('\n');
  const before: string[] = [];
  if (cluster && uids !== undefined) {
    before.push(readScript(GUARD).replaceAll('FIRST_UID', `${uids[0]}`).replaceAll('ARGS_EACH', `${uids[1]}`));
  }
  if (text.includes('ledger(')) before.push(asFunction(readScript(LEDGER)));
  else if (text.includes('settle(')) before.push(readScript(LEDGER));
  if (/\bgiven\b/.test(text)) before.push(readScript(PLACES));
  return [flags === undefined ? shebang : `${shebang} flags=${flags}`, ...before, ...body].join('\n');
}

/** For a step that writes to several models, of which each has a ledger. */
function asFunction(ledger: string): string {
  const answer = 'return { left = left, settle = settle, prefix = prefix, expiry = expiry }';
  return ['local function ledger(KEYS, ARGV)', ledger, answer, 'end'].join('\n');
}

function readScript(file: string): string {
  return readFileSync(new URL(`./${file}`, import.meta.url), 'utf8');
}
