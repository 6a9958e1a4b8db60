import { createHash } from 'node:crypto';
import type { Redis, RedisCommander } from 'ioredis';
import { TEXTS } from './texts.js';

/** The keys that a script declares, after their number: what `RedisKeys#declared` returns. */
type DeclaredKeys = readonly (number | string | Buffer)[];

/**
 * The Lua scripts as methods that `defineScripts` adds to a client; each is one atomic command. The header of its file says
 * what goes in and what comes out. `deadline` is a time of the server's clock, in milliseconds since 1970.
 */
export interface RedisScripts {
  /** A list among the arguments counts as its items, which spares copies of long lists. */
  diffsyncInsert(keys: DeclaredKeys, ...args: (string | readonly string[])[]): Promise<(number | string)[]>;
  diffsyncPut(keys: DeclaredKeys, ...args: (string | readonly string[])[]): Promise<number>;
  diffsyncCompareAndSet(keys: DeclaredKeys, ...args: (string | readonly string[])[]): Promise<number[]>;
  diffsyncDelete(keys: DeclaredKeys, ...args: (string | readonly string[])[]): Promise<number[]>;
  diffsyncMultiModelWrite(
    numberOfKeys: number,
    ...keysAndArgs: (string | readonly string[])[]
  ): Promise<(number | string)[][]>;
  /** The same as `diffsyncMultiModelWrite`, for changes that make the store no larger: allowed on a full server. */
  diffsyncMultiModelShrink(
    numberOfKeys: number,
    ...keysAndArgs: (string | readonly string[])[]
  ): Promise<(number | string)[][]>;
  diffsyncClear(
    keys: DeclaredKeys,
    prefix: string,
    most: number,
    deadline: string,
    layout: string,
    fence: string,
    uids: readonly (string | Buffer)[],
  ): Promise<number>;
  diffsyncRenew(
    keys: DeclaredKeys,
    prefix: string,
    layout: string,
    ttl: number,
    expiry: string,
    after: string,
    most: number,
    uids: readonly string[],
  ): Promise<[expiry: string, after: string, ...uids: string[]]>;
  diffsyncTimeLeft(index: string): Promise<number>;
  diffsyncUnregisterModel(models: string, model: string, deadline: string): Promise<number>;
  diffsyncDropSequence(numberOfKeys: number, ...keysAndArgs: string[]): Promise<number>;
  diffsyncExtent(
    index: string,
    state: string,
    prefix: string,
    few: number,
    small: number,
    layout: string,
  ): Promise<(number | string | null)[]>;
  diffsyncIndexPage(
    index: string,
    from: string,
    end: string,
    most: number,
    scores: 0 | 1,
  ): Promise<readonly [last: string, json: string]>;
  diffsyncAcquireLease(
    lease: string,
    ...args: string[]
  ): Promise<[granted: number, number: number | string, ...string[]]>;
  diffsyncRenewLease(lease: string, ...args: string[]): Promise<number>;
  diffsyncReleaseLease(lease: string, token: string, deadline: string): Promise<number>;
  diffsyncLeaseHolder(lease: string): Promise<string[]>;
  diffsyncTime(key: string): Promise<[seconds: string, micros: string]>;
  diffsyncTakesWrites(numberOfKeys: 0): Promise<number>;
  diffsyncRecheck(
    keys: DeclaredKeys,
    prefix: string,
    layout: string,
    uids: readonly string[],
  ): Promise<(number | string)[]>;
  diffsyncCount(numberOfKeys: number, keys: readonly string[], layout: string): Promise<number[]>;
  diffsyncDropLog(state: string, log: string, deadline: string): Promise<number>;
  diffsyncBeginLog(keys: DeclaredKeys, ...args: string[]): Promise<number>;
  diffsyncChanges(
    index: string,
    state: string,
    log: string,
    layout: string,
    header: string,
    position: number,
    from: number,
    most: number,
  ): Promise<[logged: string, whole: number, ...elements: string[]] | []>;
  diffsyncScores(index: string, state: string, layout: string, uids: readonly string[]): Promise<string[] | number>;
  diffsyncInspect(keys: DeclaredKeys, prefix: string, uids: readonly Buffer[]): Promise<string[]>;
  diffsyncRepair(keys: DeclaredKeys, prefix: string, ...args: (string | readonly Buffer[])[]): Promise<number>;
}

interface Script {
  /** Its name ends in the number of its keys, where that is always the same. */
  readonly file: string;
  /** The flags of the script, where its file names none. */
  readonly flags?: string;
}

const SCRIPTS: Record<keyof RedisScripts, Script> = {
  diffsyncInsert: { file: 'insert.lua' },
  diffsyncPut: { file: 'put.lua' },
  diffsyncCompareAndSet: { file: 'compare-and-set.lua' },
  diffsyncDelete: { file: 'delete.lua' },
  diffsyncMultiModelWrite: { file: 'multi-model-write.lua' },
  diffsyncMultiModelShrink: { file: 'multi-model-write.lua', flags: 'allow-oom' },
  diffsyncClear: { file: 'clear.lua' },
  diffsyncRenew: { file: 'renew.lua' },
  diffsyncTimeLeft: { file: 'time-left-1.lua' },
  diffsyncUnregisterModel: { file: 'unregister-model-1.lua' },
  diffsyncDropSequence: { file: 'drop-sequence.lua' },
  diffsyncExtent: { file: 'extent-2.lua' },
  diffsyncIndexPage: { file: 'index-page-1.lua' },
  diffsyncAcquireLease: { file: 'acquire-lease-1.lua' },
  diffsyncRenewLease: { file: 'renew-lease-1.lua' },
  diffsyncReleaseLease: { file: 'release-lease-1.lua' },
  diffsyncLeaseHolder: { file: 'lease-holder-1.lua' },
  diffsyncTime: { file: 'time-1.lua' },
  diffsyncTakesWrites: { file: 'takes-writes.lua' },
  diffsyncRecheck: { file: 'recheck.lua' },
  diffsyncCount: { file: 'count.lua' },
  diffsyncDropLog: { file: 'drop-log-2.lua' },
  diffsyncBeginLog: { file: 'begin-log.lua' },
  diffsyncChanges: { file: 'changes-3.lua' },
  diffsyncScores: { file: 'scores-2.lua' },
  diffsyncInspect: { file: 'inspect.lua' },
  diffsyncRepair: { file: 'repair.lua' },
};

/** A line that stands for the text of another file. */
const INCLUDE = /^ *--- @include "([\w-]+)"$/gm;
/** A line of the header: which arguments are unique ids. It becomes the declaration of the two numbers. */
const UIDS = /^-- UIDS from (\d+) step (\d+)$/m;

/** A client of one server, or of a cluster. */
export type ScriptedRedis = RedisCommander & Pick<Redis, 'multi' | 'call'> & RedisScripts;

/** Adds the scripts to a client. */
export function defineScripts(client: Pick<Redis, 'defineCommand'>): void {
  for (const [name, lua] of assembledScripts()) {
    const keys = /-(\d+)\.lua$/.exec(SCRIPTS[name].file)?.[1];
    client.defineCommand(name, keys === undefined ? { lua } : { lua, numberOfKeys: Number(keys) });
  }
}

/** @returns the command at a line of the script with this SHA-1, as an error of the server names both. */
export function scriptCommand(sha: string, line: number): string | undefined {
  const scripts = [...assembledScripts().values()];
  const script = scripts.find((each) => scriptSha(each) === sha);
  return /redis\.p?call\('(\w+)'/.exec(script?.split('\n')[line - 1] ?? '')?.[1]?.toLowerCase();
}

/** @returns the SHA-1 of a script, by which the server names it. */
export function scriptSha(lua: string): string {
  return createHash('sha1').update(lua).digest('hex');
}

let assembled: ReadonlyMap<keyof RedisScripts, string> | undefined;

/** @returns each script as it is sent to the server, by the name of its method. */
export function assembledScripts(): ReadonlyMap<keyof RedisScripts, string> {
  const all = Object.entries(SCRIPTS) as [keyof RedisScripts, Script][];
  assembled ??= new Map(all.map(([name, script]) => [name, assemble(script)]));
  return assembled;
}

function assemble({ file, flags }: Script): string {
  const lua = withIncludes(readScript(file).replace(UIDS, 'local FIRST_UID, UID_STEP = $1, $2'));
  return flags === undefined ? lua : lua.replace('#!lua', `#!lua flags=${flags}`);
}

function withIncludes(lua: string): string {
  return lua.replaceAll(INCLUDE, (_line, name: string) => withIncludes(readScript(`${name}.lua`).trimEnd()));
}

function readScript(file: string): string {
  const text = TEXTS[file];
  if (text === undefined) throw new Error(`there is no script ${file}`);
  return text;
}
