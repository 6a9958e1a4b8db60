import { createHash } from 'node:crypto';
import type { Redis, RedisCommander } from 'ioredis';
import { TEXTS } from './texts.js';

/**
 * The Lua scripts as methods that `defineScripts` adds to a client; each is one atomic command. The header of its file says
 * what goes in and what comes out. `deadline` is a time of the server's clock, in milliseconds since 1970.
 */
export interface RedisScripts {
  /** A list among the arguments counts as its items, which spares copies of long lists. */
  diffsyncInsert(index: string, state: string, ...args: (string | readonly string[])[]): Promise<(number | string)[]>;
  diffsyncPut(index: string, state: string, ...args: (string | readonly string[])[]): Promise<number>;
  diffsyncCompareAndSet(index: string, state: string, ...args: string[]): Promise<number[]>;
  diffsyncDelete(index: string, state: string, ...args: string[]): Promise<number[]>;
  diffsyncMultiModelWrite(
    numberOfKeys: number,
    ...keysAndArgs: (string | readonly string[])[]
  ): Promise<(number | string)[][]>;
  /** The same as `diffsyncMultiModelWrite`, for changes that make the store no larger: allowed on a full server. */
  diffsyncMultiModelShrink(
    numberOfKeys: number,
    ...keysAndArgs: (string | readonly string[])[]
  ): Promise<(number | string)[][]>;
  diffsyncClear(index: string, state: string, prefix: string, most: number, deadline: string): Promise<number>;
  diffsyncRenew(
    index: string,
    state: string,
    prefix: string,
    after: string,
    ttl: number,
    most: number,
  ): Promise<string>;
  diffsyncUnregisterModel(models: string, model: string, deadline: string): Promise<number>;
  diffsyncDropSequence(numberOfKeys: number, ...keysAndDeadline: string[]): Promise<number>;
  diffsyncTime(key: string): Promise<[seconds: string, micros: string]>;
  diffsyncRecheck(index: string, state: string, prefix: string, ...uids: string[]): Promise<(number | string)[]>;
  diffsyncIsIndexLost(index: string, state: string): Promise<number>;
  diffsyncInspect(index: string, prefix: string, ...uids: Buffer[]): Promise<string[]>;
  diffsyncRepair(index: string, state: string, ...args: (string | Buffer)[]): Promise<number>;
}

interface Script {
  /** Its name ends in the number of its keys, where that is always the same. */
  readonly file: string;
  /** The flags of the script, where its file names none. */
  readonly flags?: string;
}

const SCRIPTS: Record<keyof RedisScripts, Script> = {
  diffsyncInsert: { file: 'insert-2.lua' },
  diffsyncPut: { file: 'put-2.lua' },
  diffsyncCompareAndSet: { file: 'compare-and-set-2.lua' },
  diffsyncDelete: { file: 'delete-2.lua' },
  diffsyncMultiModelWrite: { file: 'multi-model-write.lua' },
  diffsyncMultiModelShrink: { file: 'multi-model-write.lua', flags: 'allow-oom' },
  diffsyncClear: { file: 'clear-2.lua' },
  diffsyncRenew: { file: 'renew-2.lua' },
  diffsyncUnregisterModel: { file: 'unregister-model-1.lua' },
  diffsyncDropSequence: { file: 'drop-sequence.lua' },
  diffsyncTime: { file: 'time-1.lua' },
  diffsyncRecheck: { file: 'recheck-2.lua' },
  diffsyncIsIndexLost: { file: 'is-index-lost-2.lua' },
  diffsyncInspect: { file: 'inspect-1.lua' },
  diffsyncRepair: { file: 'repair-2.lua' },
};

/** A line that stands for the text of another file. */
const INCLUDE = /^ *--- @include "([\w-]+)"( on a cluster)?$/gm;
/** A line of the header: which arguments are unique ids. It becomes the declaration of the two numbers. */
const UIDS = /^-- UIDS from (\d+) step (\d+)$/m;

/** A client of one server, or of a cluster. */
export type ScriptedRedis = RedisCommander & Pick<Redis, 'multi' | 'call'> & RedisScripts;

/** Adds the scripts to a client. @param cluster - Whether keys may be about to move to another node. */
export function defineScripts(client: Pick<Redis, 'defineCommand'>, { cluster }: { readonly cluster: boolean }): void {
  for (const [name, lua] of assembledScripts(cluster)) {
    const keys = /-(\d+)\.lua$/.exec(SCRIPTS[name].file)?.[1];
    client.defineCommand(name, keys === undefined ? { lua } : { lua, numberOfKeys: Number(keys) });
  }
}

/** @returns the command at a line of the script with this SHA-1, as an error of the server names both. */
export function scriptCommand(sha: string, line: number): string | undefined {
  const scripts = [...assembledScripts(false).values(), ...assembledScripts(true).values()];
  const script = scripts.find((each) => createHash('sha1').update(each).digest('hex') === sha);
  return /redis\.p?call\('(\w+)'/.exec(script?.split('\n')[line - 1] ?? '')?.[1]?.toLowerCase();
}

const assembled = new Map<boolean, ReadonlyMap<keyof RedisScripts, string>>();

/** @returns each script as it is sent to the server, by the name of its method. */
export function assembledScripts(cluster: boolean): ReadonlyMap<keyof RedisScripts, string> {
  let scripts = assembled.get(cluster);
  if (scripts === undefined) {
    const all = Object.entries(SCRIPTS) as [keyof RedisScripts, Script][];
    scripts = new Map(all.map(([name, script]) => [name, assemble(script, cluster)]));
    assembled.set(cluster, scripts);
  }
  return scripts;
}

function assemble({ file, flags }: Script, cluster: boolean): string {
  const lua = readScript(file)
    .replace(UIDS, 'local FIRST_UID, UID_STEP = $1, $2')
    .replaceAll(INCLUDE, (_line, name: string, guard?: string) =>
      guard !== undefined && !cluster ? '' : readScript(`${name}.lua`).trimEnd(),
    );
  return flags === undefined ? lua : lua.replace('#!lua', `#!lua flags=${flags}`);
}

function readScript(file: string): string {
  const text = TEXTS[file];
  if (text === undefined) throw new Error(`there is no script ${file}`);
  return text;
}
