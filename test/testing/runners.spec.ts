/** The built suite under the test runners that its users have, each in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LocalStore, type ModelRecord } from '../../src/index.js';
import { storeContract } from '../../src/testing/index.js';
import { isFull } from '../support/full.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GAP = 'add() of an equal object does nothing';
const CAUGHT = 'add() of a different object rejects with ObjectAlreadyExists and leaves the stored one';

/** A right store, with a gap that it says it has, and one that overwrites on add. */
const suite = (runner: string, functions: string): string => `
  ${runner}
  import { LocalStore } from 'nestjs-diffsync';
  import { storeContract } from 'nestjs-diffsync/testing';

  class Overwrites extends LocalStore {
    async insertRecords(model, records) {
      await this.putRecords(model, records);
      return records.map(() => undefined);
    }
  }
  const open = (Store) => async ({ storeId = crypto.randomUUID() } = {}) => new Store({ storeId });
  const knownGaps = [{ reason: 'as an example', tests: [${JSON.stringify(GAP)}] }];
  storeContract({ name: 'right', open: open(LocalStore), knownGaps, ${functions} });
  storeContract({ name: 'faulty', open: open(Overwrites), ${functions} });
`;

/** As in the text above. */
class Overwrites extends LocalStore {
  protected override async insertRecords(model: string, records: readonly ModelRecord[]): Promise<undefined[]> {
    await this.putRecords(model, records);
    return records.map(() => undefined);
  }
}

interface Outcome {
  readonly passed: number;
  readonly skipped: string[];
  readonly failed: string[];
}

/** What jest and vitest print as JSON. */
interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/** Of each file. */
function fromJson(stdout: string): Outcome[] {
  return (JSON.parse(stdout) as Report).testResults.map(({ assertionResults }) => {
    const titled = (...statuses: string[]): string[] =>
      assertionResults.filter(({ status }) => statuses.includes(status)).map(({ title }) => title);
    return { passed: titled('passed').length, skipped: titled('pending', 'skipped'), failed: titled('failed') };
  });
}

/** Suites are at four spaces and less, tests below them. */
function fromTap(stdout: string): Outcome[] {
  const results = [...stdout.matchAll(/^ {8}(ok|not ok) \d+ - (.*?)( # SKIP)?$/gm)];
  const titled = (outcome: string, skipped: boolean): string[] =>
    results
      .filter(([, how, , skip]) => how === outcome && (skip !== undefined) === skipped)
      .map(([, , title = '']) => title.replaceAll(/\\(.)/g, '$1'));
  return [{ passed: titled('ok', false).length, skipped: titled('ok', true), failed: titled('not ok', false) }];
}

const VM = ['--experimental-vm-modules', '--no-warnings'];
const JEST = [...VM, join(ROOT, 'node_modules/jest/bin/jest.js'), '--json', '--config', '{"transform":{}}'];
const VITEST = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=json', '--globals'];

const GLOBALS = suite('', '');
const passed = (module: string): string => suite(`import { describe, it } from '${module}';`, 'describe, it');

const RUNNERS = [
  [
    'jest, by its globals and by what @jest/globals exports',
    { 'globals.test.js': GLOBALS, 'passed.test.js': passed('@jest/globals') },
    JEST,
    fromJson,
  ],
  ['vitest, by its globals', { 'globals.test.js': GLOBALS }, VITEST, fromJson],
  ['node:test', { 'node.test.js': passed('node:test') }, ['--test', '--test-reporter=tap'], fromTap],
] as const;

let folder: string;
let total = 0;
/** The tests that an overwriting store fails. */
let faults: string[] = [];

beforeAll(async () => {
  if (!existsSync(join(ROOT, 'dist/testing/index.js'))) throw new Error('There is no built suite: npm run build');
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-runners-'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [name, place] of [
    ['nestjs-diffsync', ROOT],
    ['@jest/globals', join(ROOT, 'node_modules/@jest/globals')],
  ] as const) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
    symlinkSync(place, join(folder, 'node_modules', name));
  }
  const tests = new Map<string, () => Promise<void>>();
  const it = Object.assign((title: string, test: () => Promise<void>) => void tests.set(title, test), {
    skip: () => {},
  });
  storeContract({
    name: 'counted',
    open: async ({ storeId = crypto.randomUUID() } = {}) => new Overwrites({ storeId }),
    describe: (_, body) => body(),
    it,
  });
  total = tests.size;
  for (const [title, test] of tests) await test().catch(() => faults.push(title));
  faults = faults.toSorted();
  expect(faults).toContain(CAUGHT);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { PATH, HOME, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

describe('storeContract(), built, under', () => {
  // What vitest makes of it is looked at by `npm run verify:package` too.
  it.each(RUNNERS.filter(([name]) => isFull || !name.startsWith('vitest')))(
    '%s passes what is right, fails what is not, and skips a known gap',
    async (_, files, args, read) => {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      const { code, stdout, stderr } = await run([...args, ...Object.keys(files)]);
      if (code !== 1) throw new Error(`it ended with ${code}: ${stdout}${stderr}`);
      const outcomes = read(stdout);
      expect(outcomes).toHaveLength(Object.keys(files).length);
      for (const { passed, skipped, failed } of outcomes) {
        expect(skipped).toEqual([`${GAP} (known gap: as an example)`]);
        // Every test of both suites has run, and only the faulty store has failed any.
        expect(passed + failed.length).toBe(2 * total - 1);
        expect(failed.toSorted()).toEqual(faults);
      }
    },
    120_000,
  );
});
