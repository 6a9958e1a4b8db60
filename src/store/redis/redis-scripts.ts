import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis, RedisCommander } from 'ioredis';

/** The atomic steps, as methods that `defineScripts` adds to a client. A file's header says what goes in and comes out. */
export interface RedisScripts {
  diffsyncInsert(index: string, state: string, ...args: string[]): Promise<(number | string)[]>;
  diffsyncPut(index: string, state: string, ...args: string[]): Promise<number>;
  diffsyncSwap(index: string, state: string, ...args: string[]): Promise<number[]>;
  diffsyncDelete(index: string, state: string, ...args: string[]): Promise<number[]>;
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
  diffsyncTime(key: string): Promise<[seconds: string, micros: string]>;
  diffsyncRecheck(index: string, prefix: string, ...uids: string[]): Promise<(number | string)[]>;
}

/** Method -> file, whose name ends in the number of its keys. */
const FILES: Record<keyof RedisScripts, string> = {
  diffsyncInsert: 'insert-2.lua',
  diffsyncPut: 'put-2.lua',
  diffsyncSwap: 'swap-2.lua',
  diffsyncDelete: 'delete-2.lua',
  diffsyncClear: 'clear-2.lua',
  diffsyncRenew: 'renew-2.lua',
  diffsyncUnname: 'unname-1.lua',
  diffsyncTime: 'time-1.lua',
  diffsyncRecheck: 'recheck-1.lua',
};
/** Goes before those that use what it defines. */
const LEDGER = 'ledger-2.lua';

/** One server's client, or a cluster's. */
export type ScriptedRedis = RedisCommander & Pick<Redis, 'multi' | 'call'> & RedisScripts;

export function defineScripts(client: Pick<Redis, 'defineCommand'>): void {
  for (const [name, file] of Object.entries(FILES)) {
    client.defineCommand(name, { numberOfKeys: Number(/-(\d+)\.lua$/.exec(file)?.[1]), lua: scriptOf(file) });
  }
}

/** The command at a line of the script with this SHA-1, as an error of the server names both. */
export function scriptCommand(sha: string, line: number): string | undefined {
  const texts = Object.values(FILES).map(scriptOf);
  const text = texts.find((each) => createHash('sha1').update(each).digest('hex') === sha);
  return /redis\.p?call\('(\w+)'/.exec(text?.split('\n')[line - 1] ?? '')?.[1]?.toLowerCase();
}

function scriptOf(file: string): string {
  const text = readScript(file);
  if (!text.includes('settle(')) return text;
  const [shebang, ...body] = text.split('\n');
  return [shebang, readScript(LEDGER), ...body].join('\n');
}

function readScript(file: string): string {
  return readFileSync(new URL(`./scripts/${file}`, import.meta.url), 'utf8');
}
