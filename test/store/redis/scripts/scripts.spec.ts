import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import luaparse from 'luaparse';
import { assembledScripts } from '../../../../src/store/redis/scripts/scripts.js';

const FOLDER = join(import.meta.dirname, '../../../../src/store/redis/scripts');
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.lua'));
const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');
/** A script begins with a shebang; what has none is included by scripts. */
const scripts = files.filter((file) => read(file).startsWith('#!lua'));
const includes = files.filter((file) => !scripts.includes(file));
const loader = readFileSync(join(FOLDER, 'scripts.ts'), 'utf8');

/** What a script of Redis may use that it does not declare. */
const GLOBALS = [
  'KEYS',
  'ARGV',
  'redis',
  'string',
  'table',
  'math',
  'cjson',
  'ipairs',
  'tonumber',
  'tostring',
  'type',
  'unpack',
];

interface GlobalName {
  readonly name: string;
}

/** `luaparse` names these only with the option `scope`, which its types do not know. */
function globalsOf(lua: string): string[] {
  const { globals } = luaparse.parse(lua, { scope: true }) as unknown as { readonly globals: readonly GlobalName[] };
  return globals.map(({ name }) => name).toSorted();
}

const sorted = (numbers: Iterable<number>): number[] => [...new Set(numbers)].toSorted((a, b) => a - b);
const countTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

describe('a Lua script', () => {
  it.each(scripts)('%s: the keys of its name, of its header and of its code agree', (file) => {
    const lua = read(file);
    const named = /-(\d+)\.lua$/.exec(file)?.[1];
    const header = /^-- KEYS (.*)$/m.exec(lua)?.[1] ?? '';
    expect(header).not.toBe('');
    // Of these there are any number: pairs of several models, keys to remove, on a cluster those of the objects.
    if (named === undefined) return expect(header).not.toMatch(/\d/);
    expect(header.match(/\d+ /g)?.map(Number) ?? []).toEqual(countTo(Number(named)));
    const names = /^local ([\w, ]+) = unpack\(KEYS\)$/m.exec(lua)?.[1]?.split(', ') ?? [];
    const used = sorted([
      ...[...lua.matchAll(/KEYS\[(\d+)\]/g)].map(([, key]) => Number(key)),
      ...countTo(names.length),
    ]);
    if (file !== 'time-1.lua') expect(used).toEqual(countTo(Number(named)));
  });

  it.each(scripts)('%s: the arguments of its header are those that it names, up to the first unique id', (file) => {
    const lua = read(file);
    const header = [...lua.matchAll(/^-- ARGV (.*)$/gm)].map(([, text]) => text).join('\n');
    const described = [...header.matchAll(/(?:^|, )(\d+) (\w+)/gm)].map(([, number, name]) => `${number} ${name}`);
    const names =
      /^local ([\w, ]+) = unpack\(ARGV(?:, 1, (\d+))?\)$/m.exec(lua) ?? /^local (\w+) = ARGV\[1\]$/m.exec(lua) ?? [];
    const declared = names[1]?.split(', ') ?? [];
    expect(described).toEqual(declared.map((name, at) => `${at + 1} ${name}`));
    if (names[2] !== undefined) expect(declared).toHaveLength(Number(names[2]));
    const first = /^-- UIDS from (\d+) step \d+$/m.exec(lua)?.[1];
    if (first !== undefined) expect(Number(first)).toBe(declared.length + 1);
    expect(lua).toMatch(/^-- Returns /m);
  });

  it('uses no name that it does not declare', () => {
    for (const [name, lua] of assembledScripts()) {
      const undeclared = globalsOf(lua).filter((each) => !GLOBALS.includes(each));
      expect({ name, undeclared }).toEqual({ name, undeclared: [] });
    }
  });

  it('that takes unique ids is told on a cluster which keys it may touch', () => {
    for (const file of scripts.filter((each) => read(each).includes('\n-- UIDS '))) {
      expect(read(file)).toMatch(
        /\n-- KEYS index \(sorted set\), state \(hash\)(, log \(list, as in idempotent-write\))?; on a cluster then each object\n/,
      );
    }
  });

  it('is assembled without an include or a line of its header left over', () => {
    for (const lua of assembledScripts().values()) {
      expect(lua).toMatch(/^#!lua/);
      expect(lua).not.toMatch(/@include|^-- UIDS/m);
    }
  });

  it('is used, by the name of its file', () => {
    for (const file of scripts) expect(loader).toContain(`'${file}'`);
  });

  it.each(includes)('%s is included, and says what it needs', (file) => {
    const name = file.slice(0, -'.lua'.length);
    expect(files.filter((each) => read(each).includes(`--- @include "${name}"`))).not.toEqual([]);
    expect(read(file)).toMatch(/^-- Needs: /m);
  });

  it('with a name that nothing declares is found by this check', () => {
    expect(globalsOf("local a = redis.call('GET', key)\nreturn a")).toEqual(['key', 'redis']);
  });
});
