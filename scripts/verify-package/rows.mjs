// The rows of `npm run verify:package`: each makes a fresh installation as one kind of user has it, builds and runs it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectPrinted, REPOSITORY } from './installation.mjs';
import { installNode } from './nodes.mjs';
import { gettingStarted, newcomer, quickStart } from './newcomer.mjs';

const NEST_12 = ['@nestjs/common@12', '@nestjs/core@12', 'reflect-metadata', 'rxjs'];
const NEST_11 = ['@nestjs/common@11', '@nestjs/core@11', 'reflect-metadata', 'rxjs'];
const COMPILED = ['application.ts', 'by-type.ts'];
/** The README's module, and its test. */
const MODULE_OF_THE_README = ['cmdb.module.ts', 'device.ts'].map((name) => `examples/readme/src/${name}`);
const TEST_OF_THE_README = [...MODULE_OF_THE_README, 'examples/readme/src/cmdb.test.ts'];
const COMPILER_OPTIONS = {
  target: 'ES2022',
  module: 'NodeNext',
  strict: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  types: ['node'],
  rootDir: 'src',
  outDir: 'dist',
};
/** What @swc/cli and @swc/jest take alike. */
const SWC = {
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2022',
    keepClassNames: true,
  },
  module: { type: 'es6' },
};

/** Each by its name: what runs it, and resolves to a few words on what it has shown. */
export const ROWS = new Map([
  ['readme', ({ installation }) => newcomer(installation)],
  ['getting-started', ({ installation }) => gettingStarted(installation)],
  ['nest-12-esm', (row) => compiled(row, 'module', NEST_12, 'typescript@6')],
  ['nest-12-commonjs', (row) => plain(row, 'plain.cjs', NEST_12)],
  ['nest-12-commonjs-tsc', (row) => compiled(row, 'commonjs', NEST_12, 'typescript@6')],
  ['nest-11-esm', (row) => compiled(row, 'module', NEST_11, 'typescript@5.9')],
  ['nest-11-commonjs', (row) => compiled(row, 'commonjs', NEST_11, 'typescript@5.9')],
  ['plain-esm', (row) => plain(row, 'plain.mjs', NEST_12)],
  ['swc', swc],
  ['tsx-commonjs', tsxCommonJs],
  ['esbuild-esm', (row) => bundled(row, 'esm')],
  ['esbuild-commonjs', (row) => bundled(row, 'cjs')],
  ['types-5.9', (row) => types(row, 'typescript@5.9')],
  ['types-6', (row) => types(row, 'typescript@6')],
  ['types-7', (row) => types(row, 'typescript@7')],
  ['no-optional-peers', withoutOptionalPeers],
  ['jest-esm', jest],
  ['jest-commonjs', jestCommonJs],
  ['vitest', vitest],
  ['node-20', (row) => onNode(row, '20', 12)],
  ['node-22', (row) => onNode(row, '22', 13)],
  ['node-24', (row) => onNode(row, '24', 13)],
  ['node-26', (row) => onNode(row, '26', 13)],
  // The oldest that the manifest promises, and the oldest of 22 for better-sqlite3 13.
  ['node-20.19.0', (row) => onNode(row, '20.19.0', 12)],
  ['node-22.12.0', (row) => onNodeWithoutDriver(row, '22.12.0')],
  ['node-22.14.0', (row) => onNode(row, '22.14.0', 13)],
]);

/** Runs the application once for each engine. */
async function engines(installation, redis, command, chosen = ['local', 'redis']) {
  for (const engine of chosen) {
    const printed = await installation.runWith({ env: { REDIS_SOCKET: redis } }, ...command, engine);
    expectPrinted(printed, `${engine}: 2 devices, in step, up, one copy`);
  }
  return chosen.join(', ');
}

async function compiled({ installation, redis }, type, nest, typescript) {
  await installation.make({ type });
  await installation.install(...nest, '@nestjs/config', 'zod', 'ioredis', typescript, '@types/node@20');
  await installation.copy([...COMPILED, 'configured.ts', ...MODULE_OF_THE_README], 'src');
  await installation.write('tsconfig.json', JSON.stringify({ compilerOptions: COMPILER_OPTIONS }));
  await installation.run('tsc');
  expectPrinted(await installation.run('node', 'dist/by-type.js'), 'by type: true, 0 objects');
  const env = { DIFFSYNC_STORE_ENGINE: 'local' };
  const configured = await installation.runWith({ env }, 'node', 'dist/configured.js');
  expectPrinted(configured, 'from the environment: local');
  return engines(installation, redis, ['node', 'dist/application.js']);
}

async function plain({ installation, redis }, file, nest) {
  await installation.make({});
  await installation.install(...nest, 'zod', 'ioredis');
  await installation.copy([file, 'plain-application.cjs']);
  return engines(installation, redis, ['node', file]);
}

async function swc({ installation, redis }) {
  await installation.make({ type: 'module' });
  await installation.install(...NEST_12, 'zod', 'ioredis', '@swc/cli', '@swc/core');
  await installation.copy(COMPILED, 'src');
  await installation.write('.swcrc', JSON.stringify(SWC));
  await installation.run('swc', 'src', '-d', 'dist', '--strip-leading-paths');
  expectPrinted(await installation.run('node', 'dist/by-type.js'), 'by type: true, 0 objects');
  return engines(installation, redis, ['node', 'dist/application.js']);
}

async function tsxCommonJs({ installation, redis }) {
  await installation.make({ type: 'commonjs' });
  await installation.install(...NEST_12, 'zod', 'ioredis', 'tsx');
  await installation.copy(['application.ts']);
  const compilerOptions = { target: 'ES2022', experimentalDecorators: true };
  await installation.write('tsconfig.json', JSON.stringify({ compilerOptions }));
  return engines(installation, redis, ['tsx', 'application.ts']);
}

/** All in one file; what Nest loads when it is there, and a binary, stay outside. */
async function bundled({ installation, redis }, format) {
  await installation.make({ type: 'module' });
  await installation.install(...NEST_12, 'zod', 'ioredis', 'esbuild');
  await installation.copy(['plain.mjs', 'plain-application.cjs']);
  const outside = [
    '@nestjs/microservices',
    '@nestjs/websockets',
    '@nestjs/platform-express',
    '@nestjs/config',
    'class-transformer',
    'class-validator',
  ];
  const require =
    "import { createRequire as makeRequire } from 'module'; const require = makeRequire(import.meta.url);";
  const file = format === 'esm' ? 'application.mjs' : 'application.cjs';
  const external = [...outside, 'better-sqlite3'].flatMap((name) => [`--external:${name}`, `--external:${name}/*`]);
  const banner = format === 'esm' ? [`--banner:js=${require}`] : [];
  const settings = ['--bundle', '--platform=node', `--format=${format}`, `--outfile=out/${file}`, '--log-level=error'];
  await installation.run('esbuild', 'plain.mjs', ...settings, ...external, ...banner);
  // The packages are not there at run time.
  await installation.removePackages();
  return engines(installation, redis, ['node', `out/${file}`]);
}

/** The declarations of every door, checked as strictly as a compiler can, with the packages that the doors need. */
async function types({ installation }, typescript) {
  await installation.make({ type: 'module' });
  const needed = ['ioredis', '@opentelemetry/api', '@types/node@20'];
  await installation.install(...NEST_12, 'zod', typescript, ...needed);
  await installation.copy(['doors.ts'], 'src');
  const compilerOptions = { ...COMPILER_OPTIONS, skipLibCheck: false, exactOptionalPropertyTypes: true, noEmit: true };
  await installation.write('tsconfig.json', JSON.stringify({ compilerOptions }));
  await installation.run('tsc');
  return 'every door, with skipLibCheck: false';
}

async function withoutOptionalPeers({ installation }) {
  await installation.make({});
  await installation.install('zod');
  await installation.copy(['plain.mjs', 'plain-application.cjs']);
  await engines(installation, undefined, ['node', 'plain.mjs'], ['local']);
  for (const [engine, name] of [
    ['redis', 'ioredis'],
    ['sqlite', 'better-sqlite3'],
  ]) {
    const printed = await installation.runWith(
      { env: { REDIS_SOCKET: '/nowhere' }, mayFail: true },
      'node',
      'plain.mjs',
      engine,
    );
    const expected = `needs the package "${name}": npm install ${name}`;
    if (!printed.includes('STORE_PACKAGE_MISSING') || !printed.includes(expected))
      expectPrinted(printed, `…${expected}`);
  }
  await installation.run('nestjs-diffsync', '--help');
  return 'local; redis and sqlite name their packages; the command line';
}

/** The configurations of Jest that docs/testing.md has: for an ESM application, for one of CommonJS. */
async function jestConfigurations() {
  const page = await readFile(join(REPOSITORY, 'docs/testing.md'), 'utf8');
  const found = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, json]) => JSON.parse(json));
  if (found.length !== 2) throw new Error('docs/testing.md has no two configurations of Jest');
  return { esm: found[0], commonjs: found[1] };
}

async function jest({ installation }) {
  await installation.make({ type: 'module', jest: (await jestConfigurations()).esm });
  const tools = ['jest', '@jest/globals', '@swc/core', '@swc/jest'];
  await installation.install(...NEST_12, '@nestjs/testing@12', 'zod', ...tools);
  await installation.copy(TEST_OF_THE_README, 'src');
  return runJest(installation, '--experimental-vm-modules');
}

/** As the page says it for every Node, and for the newest alone. */
async function jestCommonJs({ installation, work }) {
  const { commonjs } = await jestConfigurations();
  await installation.make({ type: 'commonjs', jest: commonjs });
  const tools = ['jest', '@jest/globals', 'ts-jest', 'typescript@5.9', '@types/node@20'];
  await installation.install(...NEST_11, '@nestjs/testing@11', 'zod', ...tools);
  await installation.copy(TEST_OF_THE_README, 'src');
  await installation.write('tsconfig.json', JSON.stringify({ compilerOptions: COMPILER_OPTIONS }));
  await runJest(installation, '');
  const { moduleNameMapper } = commonjs;
  await installation.write('short.json', JSON.stringify({ moduleNameMapper, transform: { '^.+\\.ts$': 'ts-jest' } }));
  installation.node = await installNode(work, 24);
  return runJest(installation, '--experimental-vm-modules', '--config', 'short.json', '--rootDir', '.');
}

async function runJest(installation, nodeOptions, ...args) {
  const printed = await installation.runWith({ env: { NODE_OPTIONS: nodeOptions } }, 'jest', ...args);
  if (!/Tests: +1 passed, 1 total/.test(printed)) throw new Error(printed);
  return "the README's test";
}

async function vitest({ installation }) {
  await installation.make({ type: 'module' });
  await installation.install(...NEST_12, '@nestjs/testing@12', 'zod', 'vitest');
  await installation.copy(TEST_OF_THE_README, 'src');
  const test = await installation.read('src/cmdb.test.ts');
  await installation.write('src/cmdb.test.ts', test.replace("'@jest/globals'", "'vitest'"));
  await installation.write('tsconfig.json', JSON.stringify({ compilerOptions: COMPILER_OPTIONS }));
  const printed = await installation.run('vitest', 'run');
  if (!/Tests +1 passed \(1\)/.test(printed)) throw new Error(printed);
  return "the README's test";
}

/** The contract suite, the quick start and applications on all engines, with the driver that goes with this Node. */
async function onNode(row, version, driver) {
  const { installation, redis } = row;
  const shown = await prepareNode(row, version, driver);
  for (const application of ['plain.mjs', 'plain.cjs'])
    await engines(installation, redis, ['node', application], ['local', 'redis', 'sqlite']);
  const passed = await contract(installation, 'contract-local.mjs', 'contract-sqlite.mjs');
  const sqlite = JSON.parse(await installation.read(join('node_modules/better-sqlite3', 'package.json'))).version;
  return `${shown}, better-sqlite3 ${sqlite}: contract ${passed} passed, three engines`;
}

/** The driver that npm installs does not go with this Node, which has to be said. */
async function onNodeWithoutDriver(row, version) {
  const { installation, redis } = row;
  const shown = await prepareNode(row, version, 13);
  // This Node says of every `require` of ESM that it is experimental, of that of Nest too.
  const node = ['node', '--disable-warning=ExperimentalWarning'];
  for (const application of ['plain.mjs', 'plain.cjs']) await engines(installation, redis, [...node, application]);
  const printed = await installation.runWith({ mayFail: true }, 'node', 'plain.mjs', 'sqlite');
  if (!printed.includes('better-sqlite3 13 needs Node 22.14')) expectPrinted(printed, 'what better-sqlite3 13 needs');
  return `${shown}: contract ${await contract(installation, 'contract-local.mjs')} passed, two engines; sqlite says why not`;
}

async function prepareNode({ installation, work }, version, driver) {
  installation.node = await installNode(work, version);
  const { file, code, printed } = await quickStart();
  await installation.make({ type: 'module' });
  await installation.install(...NEST_12, 'zod', 'ioredis', `better-sqlite3@${driver}`, 'tsx');
  await installation.write(file, code);
  const node = await installation.run('node', '-p', 'process.versions.node');
  expectPrinted(await installation.run('tsx', file), printed);
  if (isAtLeast(node, 22, 18)) expectPrinted(await installation.run('node', file), printed);
  await installation.copy([
    'plain.mjs',
    'plain.cjs',
    'plain-application.cjs',
    'contract-local.mjs',
    'contract-sqlite.mjs',
  ]);
  return `Node ${node}, quick start`;
}

/** Resolves to how many tests of the suite have passed; all have to. */
async function contract(installation, ...files) {
  const report = await installation.run('node', '--test', '--test-reporter=tap', ...files);
  const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(report)?.[1]);
  if (!(count('pass') > 100) || count('fail') !== 0 || count('skipped') !== 0) throw new Error(report.slice(-4000));
  return count('pass');
}

function isAtLeast(version, major, minor) {
  const [itsMajor, itsMinor] = version.split('.').map(Number);
  return itsMajor > major || (itsMajor === major && itsMinor >= minor);
}
