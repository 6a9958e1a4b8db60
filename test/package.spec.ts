import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { embed, EMBEDDED } from '../scripts/embed-texts.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string; default: string }>;
  bin: Record<string, string>;
  files: readonly string[];
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
};

interface Import {
  readonly from: string;
  /** A file of ours, from the root of the repository, or a package's name. */
  readonly to: string;
  readonly kind: 'value' | 'type' | 'dynamic';
}

/** Which rooms each room may import from, besides itself. Rooms are the folders of `src`, and its files at the top. */
const BASE = ['errors', 'flags', 'values', 'async', 'logging/channels', 'logging/logger'];
/** Engines that need an optional package. */
const ENGINES = ['store/redis', 'store/sqlite'];
const BACKEND = [...BASE, 'model', 'record', 'store'];
const REDIS = [...BACKEND, 'store/redis/redis-options'];
const ARROWS: Record<string, readonly string[]> = {
  errors: ['values/visible-text'],
  flags: [],
  values: ['errors'],
  async: ['errors'],
  logging: ['values'],
  model: BASE,
  record: [...BASE, 'model'],
  diff: BASE,
  store: [...BASE, 'model', 'record'],
  'store/local': BACKEND,
  'store/sqlite': BACKEND,
  'store/redis': [
    ...BACKEND,
    ...['scripts', 'layout', 'connection', 'commands', 'records', 'admin'].map((room) => `store/redis/${room}`),
  ],
  'store/redis/layout': BACKEND,
  'store/redis/scripts': REDIS,
  'store/redis/connection': [...REDIS, 'store/redis/layout', 'store/redis/scripts'],
  'store/redis/commands': [...REDIS, 'store/redis/connection', 'store/redis/layout', 'store/redis/scripts'],
  'store/redis/records': [
    ...REDIS,
    ...['commands', 'connection', 'layout', 'scripts'].map((room) => `store/redis/${room}`),
  ],
  'store/redis/admin': [
    ...REDIS,
    ...['records', 'commands', 'connection', 'layout', 'scripts'].map((room) => `store/redis/${room}`),
  ],
  engine: [...BASE, 'diff', 'model', 'record', 'store'],
  'engine/compare': [...BASE, 'diff', 'model', 'record', 'store', 'engine'],
  'engine/incremental': [...BASE, 'diff', 'model', 'record', 'store', 'engine', 'engine/compare'],
  'engine/apply': [...BASE, 'diff', 'model', 'record', 'store', 'engine', 'engine/compare'],
  adapter: [
    ...BASE,
    'logging',
    'engine',
    'engine/compare',
    'engine/incremental',
    'engine/apply',
    'diff',
    'model',
    'record',
    'store',
    'store/local',
  ],
  runs: [...BASE, 'engine', 'engine/compare', 'engine/apply', 'adapter', 'diff', 'model', 'record', 'store'],
  module: [...BASE, 'logging', 'store', 'store/local', ...ENGINES, 'runs'],
  testing: [...BASE, 'model', 'record', 'store'],
  otel: ['index'],
  board: ['index'],
  // A bundle of its own, for browsers: of the server it knows the types of what it gets, and pure functions.
  'board/ui': ['values/visible-text', 'board/board-api', 'index'],
  bullmq: ['index'],
  // Of the main door types alone: its values are those of the application that a command starts.
  cli: ['errors', 'values', 'store', 'store/redis', 'index'],
};

/** Rooms that may load Nest. */
const NEST = ['logging', 'adapter', 'module', 'otel', 'board', 'bullmq'];
/** Doors over the public doors alone. What they import of an optional package, they import statically: who loads them has it. */
const DOORS = ['otel', 'board', 'bullmq'];
const OPTIONAL = Object.keys(manifest.peerDependenciesMeta);
/** Which of them the declarations of each door may name: who compiles against the door has those. */
const OPTIONAL_IN_TYPES: Record<string, readonly string[]> = {
  '.': [],
  './redis': ['ioredis'],
  './sqlite': [],
  './otel': ['@opentelemetry/api'],
  './board': [],
  './bullmq': ['bullmq'],
  './testing': [],
};

/** Bundled into the board's page when the package is built: what it needs is no dependency of who installs the package. */
const BUNDLED = 'board/ui';

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((name) => name.endsWith(ending) && statSync(join(root, name)).isFile());
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found: Import[] = [];
  const add = (specifier: string, kind: Import['kind']): void => {
    const own = specifier.startsWith('.');
    const to = own ? join(dirname(file), specifier).replace(/\.js$/, '.ts') : packageName(specifier);
    found.push({ from: file, to, kind });
  };
  for (const [, words = '', specifier = ''] of text.matchAll(/^(?:import|export)\s([^;'"]*?)from\s+'([^']+)'/gms)) {
    const names = /\{([^}]*)\}/
      .exec(words)?.[1]
      ?.split(',')
      .map((name) => name.trim())
      .filter(Boolean);
    const allTypes = words.startsWith('type ') || (names?.every((name) => name.startsWith('type ')) ?? false);
    add(specifier, allTypes ? 'type' : 'value');
  }
  for (const [, specifier = ''] of text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)) add(specifier, 'dynamic');
  for (const [, specifier = ''] of text.matchAll(/^import\s+'([^']+)'/gm)) add(specifier, 'value');
  return found;
}

/** Which packages the declarations of a built file name, and those of every file of ours that they lead to. */
function packagesInTypes(entry: string): string[] {
  const named = new Set<string>();
  const pending = [join(entry)];
  const seen = new Set(pending);
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, specifier = ''] of text.matchAll(/(?:from\s+|import\()'([^']+)'/g)) {
      const own = join(dirname(file), specifier).replace(/\.js$/, '.d.ts');
      if (!specifier.startsWith('.')) named.add(packageName(specifier));
      else if (seen.size < seen.add(own).size) pending.push(own);
    }
  }
  // A door that leads nowhere has been read wrongly.
  expect([entry, seen.size > 2]).toEqual([entry, true]);
  return [...named].filter((name) => !name.startsWith('node:'));
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** `src/store/redis/layout/x.ts` is in the room `store/redis/layout`, `src/errors.ts` in `errors`. */
function roomOf(file: string): string {
  const folders = dirname(file).split('/').slice(1);
  if (folders.length === 0) return file.slice('src/'.length, -'.ts'.length);
  while (folders.length > 1 && !(folders.join('/') in ARROWS)) folders.pop();
  return folders.join('/');
}

const sources = [...filesBelow('src', '.ts'), ...filesBelow('src', '.tsx')].filter((file) => file !== 'src/index.ts');
const allImports = sources.flatMap(importsOf);
const imports = allImports.filter(({ from }) => roomOf(from) !== BUNDLED);

/** Whether a room is this one, or in it. */
function isIn(room: string, other: string): boolean {
  return room === other || room.startsWith(`${other}/`);
}

describe('the rooms of src', () => {
  it('are all in the table', () => {
    expect(sources.map(roomOf).filter((room) => !(room in ARROWS))).toEqual([]);
  });

  it('import along the arrows only', () => {
    const wrong = allImports
      .filter(({ to }) => to.startsWith('src/'))
      .filter(({ from, to, kind }) => {
        const [room, other] = [roomOf(from), roomOf(to)];
        if (room === other) return false;
        if (other === 'index' && kind !== 'type' && !DOORS.includes(room)) return true;
        if (!ARROWS[room]?.some((allowed) => allowed === other || `src/${allowed}.ts` === to)) return true;
        // The module makes a store of every engine in one place. An engine loads its driver when it connects.
        if (other === undefined || !ENGINES.includes(other) || room !== 'module') return false;
        return !from.endsWith('store-factory.ts') && (kind === 'value' || !from.endsWith('options.ts'));
      });
    expect(wrong).toEqual([]);
  });

  it('are drawn in ARCHITECTURE.md with arrows that are there', () => {
    const [, drawing = ''] = /```mermaid\n(.*?)```/s.exec(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')) ?? [];
    const within: Record<string, readonly string[]> = { backends: ENGINES, main: ['index'] };
    const known = drawing.split('\n').flatMap((line) => {
      const rooms = line.trim().split(/ -- ".*?" --> | --> /);
      return rooms.slice(1).flatMap((to, at) => (rooms[at] ?? '').split(' & ').map((from) => [from, to] as const));
    });
    expect(known.length).toBeGreaterThan(8);
    const missing = known.filter(([from, to]) => {
      const targets = within[to] ?? [to];
      const allowed = Object.entries(ARROWS).filter(([room]) =>
        (within[from] ?? [from]).some((each) => isIn(room, each)),
      );
      return !allowed.some(([, rooms]) => rooms.some((room) => targets.some((target) => isIn(room, target))));
    });
    expect(missing).toEqual([]);
  });

  it('bundle Preact and nothing else', () => {
    const bundled = allImports.filter(({ from, to }) => roomOf(from) === BUNDLED && !to.startsWith('src/'));
    expect(new Set(bundled.map(({ to }) => to))).toEqual(new Set(['preact']));
  });

  it('load Nest in the Nest-facing rooms only', () => {
    const wrong = imports.filter(
      ({ from, to, kind }) => to.startsWith('@nestjs/') && kind === 'value' && !NEST.includes(roomOf(from)),
    );
    expect(wrong).toEqual([]);
  });

  it('spread no list into arguments: one of the size of the data overflows the call stack', () => {
    const spread =
      /\.(?:push|unshift)\((?:[^(){}]*, )?\.\.\.|Math\.(?:max|min)\(\.\.\.|\.splice\([^()]*, \.\.\.|fromCharCode\(\.\.\./;
    const found = sources.flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, at) => (spread.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });

  it('testing knows no test runner', () => {
    const used = imports.filter(({ from, to }) => roomOf(from) === 'testing' && !to.startsWith('src/'));
    expect(
      [...new Set(used.map(({ to }) => to))].filter(
        (name) => !name.startsWith('node:') && !name.startsWith('@standard-schema'),
      ),
    ).toEqual([]);
  });
});

describe('the manifest', () => {
  it('declares every package that src imports', () => {
    const declared = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]);
    const used = new Set(imports.map(({ to }) => to).filter((to) => !to.startsWith('src/') && !to.startsWith('node:')));
    expect([...used].filter((name) => !declared.has(name))).toEqual([]);
    expect(Object.keys(manifest.dependencies).filter((name) => !used.has(name))).toEqual([]);
  });

  it('ships what tells of its security, its changes and its use, and its licence', () => {
    const shipped = ['dist', 'docs/*.md', 'CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md'];
    expect(manifest.files).toEqual(expect.arrayContaining(shipped));
    for (const file of manifest.files.filter((each) => each !== 'dist' && !each.includes('*')))
      expect(statSync(join(root, file)).isFile()).toBe(true);
  });

  it('has no production dependency that runs a script when it is installed, and all are in the lock file', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<
        string,
        { dev?: boolean; devOptional?: boolean; hasInstallScript?: boolean; dependencies?: object }
      >;
    };
    const production = Object.entries(packages).filter(
      ([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional,
    );
    expect(production.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)).toEqual([]);
    const locked = new Set(production.map(([path]) => path));
    expect(Object.keys(manifest.dependencies).filter((name) => !locked.has(`node_modules/${name}`))).toEqual([]);
    const { scripts } = manifest;
    expect(['preinstall', 'install', 'postinstall', 'prepare'].filter((name) => name in scripts)).toEqual([]);
  });

  it('has doors that the build makes, each from one index.ts', () => {
    for (const [door, target] of Object.entries(manifest.exports)) {
      if (typeof target === 'string') continue;
      const source = target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts');
      expect([door, sources.concat('src/index.ts').includes(source)]).toEqual([door, true]);
      expect(target.types).toBe(target.default.replace(/\.js$/, '.d.ts'));
    }
  });

  it('has commands that the build makes, each from a file that says what runs it', () => {
    for (const [command, target] of Object.entries(manifest.bin)) {
      const source = target.replace('./dist/', 'src/').replace(/\.js$/, '.ts');
      expect([command, readFileSync(join(root, source), 'utf8').split('\n')[0]]).toEqual([
        command,
        '#!/usr/bin/env node',
      ]);
    }
  });

  it('imports optional packages dynamically, by their names, in one place each: a bundler finds them, and needs none', () => {
    const loaded = imports.filter(
      ({ from, to, kind }) => OPTIONAL.includes(to) && kind !== 'type' && !DOORS.includes(roomOf(from)),
    );
    expect(new Set(loaded.map(({ from, to, kind }) => `${kind} ${to} in ${from}`))).toEqual(
      new Set([
        'dynamic @nestjs/config in src/module/diffsync-store.config.ts',
        'dynamic ioredis in src/store/redis/connection/driver.ts',
        'dynamic better-sqlite3 in src/store/sqlite/sqlite-driver.ts',
      ]),
    );
    for (const { from } of loaded)
      expect(readFileSync(join(root, from), 'utf8')).toMatch(/import\('[^']+'\)\s*\.catch\(/);
  });

  it('imports its own files statically: a dynamic import may load them a second time, and reads none at run time', () => {
    expect(imports.filter(({ to, kind }) => to.startsWith('src/') && kind === 'dynamic')).toEqual([]);
    const lookBeside = sources.filter((file) => readFileSync(join(root, file), 'utf8').includes('import.meta'));
    // The page of the board is files: they are sent to browsers as they were built.
    expect(lookBeside).toEqual(['src/board/assets.ts']);
  });

  it('names in the types of a door no optional package but the one that the door is for, and none that it does not declare', () => {
    const declared = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]);
    const doors = Object.entries(manifest.exports).flatMap(([door, target]) =>
      typeof target === 'string' ? [] : [[door, packagesInTypes(target.types)] as const],
    );
    const optional = doors.map(([door, named]) => [door, named.filter((name) => OPTIONAL.includes(name))]);
    expect(Object.fromEntries(optional)).toEqual(OPTIONAL_IN_TYPES);
    const undeclared = doors.map(([door, named]) => [door, named.filter((name) => !declared.has(name))]);
    expect(undeclared.filter(([, names = []]) => names.length > 0)).toEqual([]);
  });

  it('embeds the texts of its scripts and migrations as they are', () => {
    for (const [folder, ending] of Object.entries(EMBEDDED)) {
      expect(readFileSync(join(root, folder, 'texts.ts'), 'utf8')).toBe(embed(folder, ending));
    }
  });
});
