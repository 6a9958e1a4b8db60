// How applications load the package: bundled into one file, as CommonJS under tsx, twice. Runs what the build made.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { build, type Format } from 'esbuild';
import { isFull } from './support/full.js';

const ROOT = process.cwd();
/** Packages of Nest that it loads when they are there, and that no application here has. */
const NEST_OPTIONAL = ['microservices', 'websockets', 'platform-express'].flatMap((name) => [
  `@nestjs/${name}`,
  `@nestjs/${name}/*`,
]);
const OPTIONAL = ['ioredis', 'better-sqlite3', '@nestjs/config'];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-loading-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A folder with an application and its packages, without those named. */
function application(name: string, type: 'module' | 'commonjs', without: readonly string[] = []): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'node_modules/@nestjs'), { recursive: true });
  writeFileSync(join(root, 'package.json'), JSON.stringify({ private: true, type }));
  const names = readdirSync(join(ROOT, 'node_modules')).filter((each) => !each.startsWith('.') && each !== '@nestjs');
  const nest = readdirSync(join(ROOT, 'node_modules/@nestjs')).map((each) => `@nestjs/${each}`);
  for (const each of [...names, ...nest]) {
    if (each !== 'nestjs-diffsync' && !without.includes(each))
      symlinkSync(join(ROOT, 'node_modules', each), join(root, 'node_modules', each));
  }
  installCopy(join(root, 'node_modules/nestjs-diffsync'));
  return root;
}

function installCopy(to: string): void {
  for (const part of ['dist', 'package.json']) cpSync(join(ROOT, part), join(to, part), { recursive: true });
}

function run(cwd: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', ...args], { cwd, encoding: 'utf8' });
  return `${stdout}${stderr}`.trim();
}

const SOURCE = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Adapter, BaseStore, DiffSyncModel, DiffSyncStoreModule, InjectStore, ObjectStoreException, STORE } from 'nestjs-diffsync';
import { z } from 'zod';
class Device extends DiffSyncModel.define({ name: 'device', schema: z.object({ name: z.string() }), identifiers: ['name'] }) {}
class Net extends Adapter {}
Net.models = [Device];
Net.topLevel = ['device'];
const engine = process.argv[2];
const given = { local: {}, sqlite: { path: ':memory:' }, redis: { url: 'redis://127.0.0.1:1', timeout: 200 } }[engine];
class App {}
Module({ imports: [DiffSyncStoreModule.forRoot({ engine, ...given, retryAttempts: 1 } as never)] })(App);
NestFactory.createApplicationContext(App, { logger: false, abortOnError: false }).then(
  async (app) => {
    const store = app.get(STORE) as BaseStore;
    const net = new Net({ store });
    await net.add(new Device({ name: 'r1' }));
    const missing = await net.get(Device, 'r2').catch((error: unknown) => error instanceof ObjectStoreException);
    console.log('up', store instanceof BaseStore, missing, await net.count());
    await app.close();
  },
  (error) => console.log(error instanceof ObjectStoreException, error.code, error.message),
);
`;
/** What each engine says; redis has no server, so that its client's own error is the proof that it was loaded. */
const UP = { local: 'up true true 1', sqlite: 'up true true 1', redis: 'true STORE_UNAVAILABLE' };
const MISSING = {
  local: 'up true true 1',
  sqlite:
    'true STORE_PACKAGE_MISSING SqliteStore (default): needs the package "better-sqlite3": npm install better-sqlite3',
  redis: 'needs the package "ioredis": npm install ioredis',
};

describe('a bundle', () => {
  const CASES: (readonly [Format, 'inside' | 'outside' | 'missing'])[] = [
    ['esm', 'inside'],
    ['esm', 'outside'],
    ['esm', 'missing'],
    ['cjs', 'missing'],
    ...(isFull
      ? ([
          ['cjs', 'inside'],
          ['cjs', 'outside'],
        ] as const)
      : []),
  ];
  it.each(CASES)(
    '%s, optional packages %s: each engine works, or says what it needs',
    async (format, optional) => {
      const without = optional === 'missing' ? [...OPTIONAL, '@opentelemetry'] : [];
      const root = application(`${format}-${optional}`, 'module', without);
      writeFileSync(join(root, 'app.ts'), SOURCE);
      const outfile = join(root, `out/app.${format === 'esm' ? 'mjs' : 'cjs'}`);
      const { warnings } = await build({
        absWorkingDir: root,
        entryPoints: ['app.ts'],
        bundle: true,
        platform: 'node',
        format,
        outfile,
        preserveSymlinks: true,
        logLevel: 'silent',
        // A binary is in no bundle.
        external: [...NEST_OPTIONAL, 'class-*', 'better-sqlite3', ...(optional === 'outside' ? OPTIONAL : [])],
        ...(format === 'esm' && {
          banner: {
            js: "import { createRequire as makeRequire } from 'module'; const require = makeRequire(import.meta.url);",
          },
        }),
      });
      const ours = warnings.filter(
        ({ location, text }) => location?.file.includes('diffsync') && !text.includes('resolve'),
      );
      expect(ours).toEqual([]);
      // The package is not there at run time: all of it is in the file.
      rmSync(join(root, 'node_modules/nestjs-diffsync'), { recursive: true });
      for (const [engine, expected] of Object.entries(optional === 'missing' ? MISSING : UP)) {
        expect([engine, run(root, outfile, engine)]).toEqual([engine, expect.stringContaining(expected)]);
      }
    },
    180_000,
  );
});

describe("the README's quick start", () => {
  it.each(['module', 'commonjs'] as const)(
    'under the name that it gives prints what the README says, in a folder of type %s',
    (type) => {
      const [, section = ''] = readFileSync('README.md', 'utf8').split('## Quick start');
      const [, name = ''] = /Save this as `(\S+)`/.exec(section) ?? [];
      const [, code = ''] = /```ts\n(.*?)```/s.exec(section) ?? [];
      const [, printed = ''] = /prints\n\n```text\n(.*?)\n```/s.exec(section) ?? [];
      expect(section).toContain(`\nnpx tsx ${name} `);
      const root = application(`quick start ${type}`, type);
      writeFileSync(join(root, name), code);
      expect(run(root, '--import', 'tsx', name)).toBe(printed);
    },
    60_000,
  );
});

describe('a CommonJS application under tsx', () => {
  it('has the package once, whatever the engine', () => {
    const root = application('tsx', 'commonjs');
    writeFileSync(join(root, 'app.ts'), SOURCE);
    for (const [engine, expected] of Object.entries(UP)) {
      expect([engine, run(root, '--import', 'tsx', 'app.ts', engine)]).toEqual([
        engine,
        expect.stringContaining(expected),
      ]);
    }
  }, 180_000);
});

describe('the door nestjs-diffsync/otel', () => {
  const OBSERVED = `
import { DiffSyncTelemetry } from 'nestjs-diffsync/otel';
import { LocalStore, storeChannel } from 'nestjs-diffsync';
const telemetry = new DiffSyncTelemetry();
telemetry.enable();
new LocalStore().count().then((count) => console.log(count, storeChannel.hasSubscribers));`;

  it.each(['module', 'commonjs'] as const)(
    'follows the channels of the main door in an application of type %s',
    (type) => {
      const root = application(`otel ${type}`, type);
      writeFileSync(join(root, 'app.ts'), OBSERVED);
      expect(run(root, '--import', 'tsx', 'app.ts')).toBe('0 true');
    },
    60_000,
  );

  it('names its package where that is not installed, and the main door does not need it', () => {
    const root = application('no otel', 'module', ['@opentelemetry']);
    writeFileSync(join(root, 'app.mjs'), OBSERVED);
    expect(run(root, 'app.mjs')).toContain("Cannot find package '@opentelemetry/api'");
    writeFileSync(
      join(root, 'main.mjs'),
      "import { LocalStore } from 'nestjs-diffsync'; console.log(await new LocalStore().count());",
    );
    expect(run(root, 'main.mjs')).toBe('0');
  });
});

describe('an optional package that is there and cannot be loaded', () => {
  it.each([
    ['whose own code fails', 'throw new Error("OpenSSL is too old for this build");', 'OpenSSL is too old'],
    ['that misses a package of its own', 'import "denque-of-theirs";', "'denque-of-theirs'"],
  ])(
    '%s: the message has the reason',
    (name, code, reason) => {
      const root = application(`broken ${name}`, 'module', ['ioredis']);
      mkdirSync(join(root, 'node_modules/ioredis'));
      writeFileSync(
        join(root, 'node_modules/ioredis/package.json'),
        '{"name":"ioredis","type":"module","main":"index.js"}',
      );
      writeFileSync(join(root, 'node_modules/ioredis/index.js'), `export class Redis {}\n${code}`);
      writeFileSync(join(root, 'app.mts'), SOURCE);
      const said = run(root, '--import', 'tsx', 'app.mts', 'redis');
      expect(said).toContain('STORE_PACKAGE_MISSING');
      expect(said).toContain(reason);
      expect(said).not.toContain('npm install');
    },
    60_000,
  );
});

describe('a second copy of the package', () => {
  it('is told as that, wherever something of it comes in', () => {
    const root = application('twice', 'module');
    installCopy(join(root, 'node_modules/other-copy'));
    const other = pathToFileURL(join(root, 'node_modules/other-copy/dist/index.js')).href;
    writeFileSync(
      join(root, 'app.mjs'),
      `import 'reflect-metadata';
import { z } from 'zod';
import * as one from 'nestjs-diffsync';
import * as two from '${other}';
const made = ({ Adapter, DiffSyncModel }) => {
  const Device = class extends DiffSyncModel.define({ name: 'device', schema: z.object({ name: z.string() }), identifiers: ['name'] }) {};
  const Net = class extends Adapter {};
  Net.models = [Device];
  Net.topLevel = ['device'];
  return { Device, Net };
};
const [a, b] = [made(one), made(two)];
const Mixed = class extends one.Adapter {};
Mixed.models = [b.Device];
for (const work of [
  () => new a.Net({ store: new two.LocalStore() }),
  () => new Mixed(),
  () => one.DiffSyncStoreModule.forRoot({ engine: new two.LocalStore() }),
  () => one.DiffSyncStoreModule.forRoot({ engine: two.LocalStore }),
  () => new one.LocalStore().add({ obj: new b.Device({ name: 'a' }) }),
  () => new one.LocalStore().get({ model: b.Device, identifier: 'a' }),
  () => new a.Net().diffFrom(new b.Net()),
  () => new a.Net().syncFrom(new b.Net()),
  () => one.copyStore(new one.LocalStore(), new two.LocalStore()),
]) {
  console.log(await Promise.resolve().then(work).then(() => 'nothing was said', (error) => error.code + ' ' + error.message));
}`,
    );
    const lines = run(root, 'app.mjs').split('\n');
    expect(lines).toHaveLength(9);
    for (const line of lines) expect(line).toMatch(/^VALUE_ERROR .*another copy of nestjs-diffsync/);
  });
});
