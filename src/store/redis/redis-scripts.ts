import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

/** The atomic steps, as methods that `defineScripts` adds to a client. A file's header says what goes in and comes out. */
export interface RedisScripts {
  diffsyncInsert(
    index: string,
    models: string,
    prefix: string,
    model: string,
    ...objects: string[]
  ): Promise<(number | string)[]>;
  diffsyncPut(index: string, models: string, prefix: string, model: string, ...objects: string[]): Promise<number>;
  diffsyncSwap(index: string, models: string, prefix: string, model: string, ...objects: string[]): Promise<number[]>;
  diffsyncDelete(index: string, prefix: string, ...uids: string[]): Promise<number[]>;
  diffsyncClear(index: string, models: string, prefix: string, model: string, most: number): Promise<number>;
  diffsyncRecheck(index: string, prefix: string, ...uids: string[]): Promise<(number | string)[]>;
}

/** Method -> file, whose name ends in the number of its keys. */
const FILES: Record<keyof RedisScripts, string> = {
  diffsyncInsert: 'insert-2.lua',
  diffsyncPut: 'put-2.lua',
  diffsyncSwap: 'swap-2.lua',
  diffsyncDelete: 'delete-1.lua',
  diffsyncClear: 'clear-2.lua',
  diffsyncRecheck: 'recheck-1.lua',
};

export type ScriptedRedis = Redis & RedisScripts;

export function defineScripts(client: Redis): ScriptedRedis {
  for (const [name, file] of Object.entries(FILES)) {
    client.defineCommand(name, {
      numberOfKeys: Number(/-(\d+)\.lua$/.exec(file)?.[1]),
      lua: readFileSync(new URL(`./scripts/${file}`, import.meta.url), 'utf8'),
    });
  }
  return client as ScriptedRedis;
}
