/**
 * The commands over runs, with an application of the user's: in the process of the test; in one of their own where they load the application in
 * another way, end by a signal or leave something open.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunChange, RunPage, SyncRun } from '../../src/index.js';
import { compile, type Compiled } from '../support/compiled.js';
import { cli, type Ended } from './cli.js';

const APP = 'test/cli/runs.app.ts';
const SIDES = ['--source', 'NetworkAdapter', '--target', 'CmdbAdapter', '--load', 'source'];
const TARGET = ['--target', 'CmdbAdapter'];

let compiled: Compiled;
let folder: string;
let databases = 0;

beforeAll(() => {
  compiled = compile([APP]);
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-cli-runs-'));
});

afterAll(() => {
  compiled.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Network {
  readonly name: string;
  readonly role?: string;
  readonly password?: string;
}

/** An application with a database of its own. */
class Application {
  private readonly database = join(folder, `${databases++}.db`);
  network: readonly Network[] = [];
  mode = '';

  /** What the application reads when it starts. */
  private get env(): Record<string, string> {
    return { APP_DATABASE: this.database, APP_NETWORK: JSON.stringify(this.network), APP_MODE: this.mode };
  }

  start(...args: readonly string[]): { child: ChildProcess; ended: Promise<Ended>; errors(): string } {
    const child = spawn(process.execPath, [compiled.pathOf('src/cli/main.ts'), ...args], {
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = once(child, 'close').then(([code]) => ({ code: code as number, stdout, stderr }));
    return { child, ended, errors: () => stderr };
  }

  run(command: string, ...args: readonly string[]): Promise<Ended> {
    Object.assign(process.env, this.env);
    return cli([command, '--app', `${APP}#InventoryModule`, ...args]);
  }

  /** Runs a command, and reads what it prints as JSON. */
  async json<T = Reported>(code: number, command: string, ...args: readonly string[]): Promise<T> {
    const ended = await this.run(command, ...args, '--json');
    expect([ended.code, ended.stderr]).toEqual([code, '']);
    expect(ended.stdout.indexOf('\n')).toBe(ended.stdout.length - 1);
    return JSON.parse(ended.stdout) as T;
  }
}

interface Reported {
  readonly run: SyncRun;
  readonly changes: readonly RunChange[];
}

function devices(count: number): Network[] {
  return Array.from({ length: count }, (_, at) => ({ name: `d${at}` }));
}

describe('plan, apply, drift, runs and undo', () => {
  it('find, make, show and take back the changes', async () => {
    const app = new Application();
    app.network = [{ name: 'r1', role: 'spine', password: 'geheim' }, { name: 'r2' }];
    expect((await app.run('runs', ...TARGET)).stdout).toBe('No runs\n');

    const drift = await app.run('drift', ...SIDES);
    expect([drift.code, drift.stderr]).toEqual([2, '']);
    expect(drift.stdout).toMatch(/^kind {6}drift\n/);
    expect(drift.stdout).toContain("create  device r1  role: 'spine', password: [secret]\n");
    expect((await app.run('runs', ...TARGET)).stdout).toBe('No runs\n');

    const plan = await app.run('plan', ...SIDES, '--label', 'before', '--by', 'alice');
    expect([plan.code, plan.stderr]).toEqual([2, '']);
    const id = /^run +(\S+)$/m.exec(plan.stdout)?.[1] ?? '';
    const lines = plan.stdout
      .replace(id, 'ID')
      .replace(/^(started +).*$/m, '$1TIME')
      .split('\n');
    expect(lines).toEqual([
      'run       ID',
      'kind      dry-run',
      'outcome   succeeded',
      'source    NetworkAdapter',
      'target    CmdbAdapter',
      'label     before',
      'by        alice',
      'started   TIME',
      'found     2 create, 0 update, 0 delete, 0 no-change, 0 skip',
      '',
      'model   source  target  create  update  delete',
      'device       2       0       2       0       0',
      '',
      "create  device r1  role: 'spine', password: [secret]",
      "create  device r2  role: 'leaf', password: [secret]",
      '',
    ]);

    const applied = await app.json(0, 'apply', id, ...SIDES);
    expect(applied.run).toMatchObject({ kind: 'apply', of: id, outcome: 'succeeded', by: userInfo().username });
    expect(applied.changes.map(({ uid, result }) => [uid, result])).toEqual([
      ['r1', 'done'],
      ['r2', 'done'],
    ]);
    expect((await app.run('drift', ...SIDES)).code).toBe(0);
    const settled = await app.run('plan', ...SIDES);
    expect([settled.code, settled.stdout.includes('\nNo differences\n')]).toEqual([0, true]);

    const { runs, next } = await app.json<RunPage>(0, 'runs', ...TARGET, '--limit', '2');
    expect([runs.map(({ kind }) => kind), next !== undefined]).toEqual([['dry-run', 'apply'], true]);
    const shown = await app.run('runs', applied.run.id, ...TARGET);
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('results   2 done, 0 failed')]);
    const object = await app.run('runs', '--of', 'device:r1', ...TARGET);
    const line = "create  device r1  role: 'spine', password: [secret]";
    expect(object.stdout).toBe(`${applied.run.id}  ${line}\n${id}  ${line}  [planned]\n`);

    const looked = await app.json(2, 'undo', applied.run.id, ...TARGET, '--dry-run');
    expect(looked.changes.map(({ action, uid }) => `${action} ${uid}`)).toEqual(['delete r1', 'delete r2']);
    const undone = await app.json(0, 'undo', applied.run.id, ...TARGET);
    expect(undone.run).toMatchObject({ kind: 'undo', of: applied.run.id, results: { done: 2 } });
    const table = (await app.run('runs', ...TARGET)).stdout.split('\n').map((line) => line.split(/ +/).slice(1, 3));
    expect(table.slice(0, 3)).toEqual([
      ['kind', 'outcome'],
      ['undo', 'succeeded'],
      ['dry-run', 'succeeded'],
    ]);
  });

  it('print JSON and Markdown, each of them', async () => {
    const app = new Application();
    app.network = [{ name: 'r1', password: 'geheim' }];
    const drift = await app.json(2, 'drift', ...SIDES);
    expect(Object.keys(drift.run)).not.toContain('id');
    const { run } = await app.json(2, 'plan', ...SIDES);
    const applied = await app.run('apply', run.id, ...SIDES, '--markdown');
    expect([applied.code, applied.stdout]).toEqual([
      0,
      expect.stringContaining(', 1 done, 0 failed, 0 stale, 0 left out'),
    ]);
    const { runs } = await app.json<RunPage>(0, 'runs', ...TARGET);
    const id = runs[0]?.id ?? '';
    const shown = await app.json(0, 'runs', id, ...TARGET);
    const create = {
      model: 'device',
      uid: 'r1',
      action: 'create',
      old: null,
      new: { role: 'leaf' },
      secrets: ['password'],
    };
    expect([drift.changes, shown.changes]).toMatchObject([[create], [{ ...create, run: id, result: 'done' }]]);
    expect((await app.run('runs', ...TARGET, '--markdown')).stdout.split('\n').slice(2)).toEqual([
      `| ${id} | apply | succeeded | 1 | 0 | 0 |`,
      `| ${run.id} | dry-run | succeeded | 1 | 0 | 0 |`,
      '',
    ]);
    const object = await app.json<{ uid: string; changes: RunChange[] }>(0, 'runs', '--of', 'device:r1', ...TARGET);
    expect([object.uid, object.changes.map(({ result }) => result)]).toEqual(['r1', ['done', 'planned']]);
    const line = "- **create** `device` `r1`: `role` `'leaf'`, `password` `[secret]`";
    expect((await app.run('runs', '--of', 'device:r1', ...TARGET, '--markdown')).stdout).toBe(
      `### \`device\` \`r1\`\n\n${line}, run \`${id}\`\n${line} (planned), run \`${run.id}\`\n`,
    );
    const none = await app.run('runs', '--of', 'device:r:2', ...TARGET);
    expect([none.code, none.stdout]).toEqual([0, 'No run has changed device r:2\n']);
    const undone = await app.run('undo', id, ...TARGET, '--markdown');
    expect([undone.code, undone.stdout]).toEqual([0, expect.stringContaining(`(undo of \`${id}\`)`)]);
  });

  it('an adapter may be made for each request', async () => {
    const { changes } = await new Application().json(2, 'drift', '--source', 'ScopedAdapter', ...SIDES.slice(2));
    expect(changes.map(({ uid }) => uid)).toEqual(['scoped']);
  });

  it('--load both, the default, loads the target too', async () => {
    const app = new Application();
    app.network = [{ name: 'loaded' }];
    const { run } = await app.json(0, 'plan', ...SIDES.slice(0, 4));
    expect(run.phases.map(({ phase }) => phase)).toEqual(expect.arrayContaining(['load-source', 'load-target']));
  });

  it('--on-stale says what becomes of a plan whose objects have changed', async () => {
    const app = new Application();
    app.network = devices(2);
    const first = await app.json(2, 'plan', ...SIDES);
    await app.json(0, 'apply', first.run.id, ...SIDES);
    app.network = devices(2).map((device) => ({ ...device, role: 'spine' }));
    const stale = await app.json(2, 'plan', ...SIDES);
    const undone = await app.json(2, 'plan', ...SIDES);
    await app.json(0, 'apply', undone.run.id, ...SIDES);
    const refused = await app.run('apply', stale.run.id, ...SIDES);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/^Error: .*\bd0\b.*\n$/)]);
    expect(refused.stdout).toContain('outcome   refused');
    const skipped = await app.run('apply', stale.run.id, ...SIDES, '--on-stale', 'skip', '--json');
    expect([skipped.code, skipped.stderr]).toEqual([0, expect.stringMatching(/^Warning \[.*\] .*device d0.*\n$/)]);
    expect((JSON.parse(skipped.stdout) as Reported).run.results).toMatchObject({ done: 0, stale: 2 });
  });
});

describe('exit code 3', () => {
  it('says that a guard has refused the run, a comparison alone too, and goes before 2', async () => {
    const app = new Application();
    app.network = devices(30);
    const filled = await app.json(2, 'plan', ...SIDES);
    await app.json(0, 'apply', filled.run.id, ...SIDES);
    app.network = [];
    for (const command of ['plan', 'drift']) {
      // The reload of the source is no part of it: it has no store that lasts.
      const { code, stdout, stderr } = await app.run(command, ...SIDES, '--markdown');
      expect([command, code]).toEqual([command, 3]);
      expect(stderr).toMatch(/^Error: .*Nothing was touched.*\n$/);
      expect(stdout).toContain('**Guard**: `');
    }
    const { runs } = await app.json<RunPage>(0, 'runs', ...TARGET);
    expect(runs.map(({ outcome }) => outcome)).toEqual(['refused', 'succeeded', 'succeeded']);
    const allowed = await app.json(2, 'plan', ...SIDES, '--guards', 'false');
    expect(allowed.run.counts?.delete).toBe(30);
    const wrong = await app.run('plan', ...SIDES, '--guards', '{ "maxDeletes": 5 }');
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/^Error: .*maxDeletes.*\n$/)]);
  });
});

describe('--markdown', () => {
  it('has a summary and the changes, and data in code spans alone', async () => {
    const app = new Application();
    app.network = [{ name: 'r1', role: 'a | **b** `c` <img src=x>\n# @team' }];
    const { code, stdout } = await app.run('plan', ...SIDES, '--label', '`', '--by', 'bob', '--markdown');
    expect(code).toBe(2);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('### `NetworkAdapter` → `CmdbAdapter`: 1 difference');
    expect(lines[2]).toMatch(/^Run `\S+` \(dry-run\), succeeded, by `bob`, label `` ` ``, \S+, [\d.]+ s$/);
    expect(lines.slice(3)).toEqual([
      '',
      '| model | source | target | create | update | delete |',
      '| --- | ---: | ---: | ---: | ---: | ---: |',
      '| `device` | 1 | 0 | 1 | 0 | 0 |',
      '',
      "- **create** `device` `r1`: `role` ``'a | **b** `c` <img src=x>\\n# @team'``, `password` `[secret]`",
      '',
    ]);
  });

  it('is bounded, and says what is left out', async () => {
    const app = new Application();
    app.network = devices(2000);
    const { code, stdout } = await app.run('plan', ...SIDES, '--markdown');
    expect(code).toBe(2);
    expect(stdout.length).toBeLessThanOrEqual(60_000);
    const shown = stdout.split('\n').filter((line) => line.startsWith('- **create**')).length;
    const [, left = ''] =
      /^([\d,]+) more changes are left out here; `nestjs-diffsync runs \S+` prints them\.$/m.exec(stdout) ?? [];
    expect(shown + Number(left.replace(',', ''))).toBe(2000);
  });
});

describe('exit code 1', () => {
  it('says that changes have failed, and no password', async () => {
    const app = new Application();
    app.network = devices(1);
    const { run } = await app.json(2, 'plan', ...SIDES);
    app.mode = 'failing';
    const { code, stdout, stderr } = await app.run('apply', run.id, ...SIDES);
    expect(code).toBe(1);
    expect(stderr).toContain('postgres://db/inventory refuses d0');
    expect(stdout + stderr).not.toContain('geheim');
  });

  it('of a source that fails shows no password, in the history neither', async () => {
    const app = new Application();
    app.mode = 'unreachable';
    const ended = await app.run('plan', ...SIDES);
    expect(ended).toMatchObject({ code: 1, stderr: 'Error: redis://network:6379 does not answer\n' });
    app.mode = '';
    const shown = await app.run('runs', ...TARGET, '--json');
    expect(ended.stdout + shown.stdout).not.toContain('geheim');
    expect(shown.stdout).toContain('redis://network:6379 does not answer');
  });

  it.each([
    [
      ['--target', 'Cmdb'],
      'Error: --target: the application provides no adapter Cmdb: its adapters are CmdbAdapter, NetworkAdapter, ScopedAdapter\n',
    ],
    [['none', ...TARGET], /^Error: .*"?none"?.*\n$/],
  ])('runs %j: one line that says what is wrong', async (args, message) => {
    const { code, stdout, stderr } = await new Application().run('runs', ...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
  });

  it.each([
    ['#NoModule', / exports no Nest module NoModule: it exports InventoryModule, OpenModule, WrongModule\n$/],
    ['#aNumber', / exports no Nest module aNumber: /],
    ['#WrongModule', /^Error: redis:\/\/host:6379 is not there\n$/],
    ['.missing', /^Error: --app: there is no file .*runs\.app\.ts\.missing: is the application built\?\n$/],
  ])('--app …%s', async (end, message) => {
    const { code, stdout, stderr } = await cli(['runs', ...TARGET, '--app', `${APP}${end}`]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
  });

  it('ends though the application leaves a timer open', async () => {
    const args = ['runs', ...TARGET, '--app', `${compiled.pathOf(APP)}#OpenModule`];
    const { code, stdout, stderr } = await new Application().start(...args).ended;
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/ no adapter CmdbAdapter: it provides no adapter\n$/);
  });

  it('--app of a file without a module, and of one whose application has no Nest', async () => {
    const file = join(folder, 'nothing.mjs');
    writeFileSync(file, 'export const nothing = 1;');
    expect((await cli(['runs', ...TARGET, '--app', file])).stderr).toBe(
      `Error: --app: ${file} exports no Nest module: it exports none\n`,
    );
    const alone = join(folder, 'alone.mjs');
    const metadata = 'Reflect.getOwnMetadata = () => [];';
    writeFileSync(alone, `${metadata} export class AppModule {}`);
    // In a process of its own: it changes Reflect.
    expect((await new Application().start('runs', ...TARGET, '--app', alone).ended).stderr).toBe(
      `Error: --app: ${alone} has no @nestjs/core to load: npm install @nestjs/core\n`,
    );
  });

  it('--app of a file that fails when it is loaded', async () => {
    const file = join(folder, 'fails.mjs');
    writeFileSync(file, "throw new Error('no licence for mysql://u:geheim@db')");
    expect(await cli(['runs', ...TARGET, '--app', file])).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: --app: ${file} cannot be loaded: no licence for mysql://db\n`,
    });
  });

  it('without a name --app takes the first module', async () => {
    const { ended } = new Application().start('runs', ...TARGET, '--app', compiled.pathOf(APP));
    expect(await ended).toEqual({ code: 0, stdout: 'No runs\n', stderr: '' });
  });
});

it('--app may be CommonJS whose names Node does not know', async () => {
  const file = compiled.pathOf(APP).replace(/js$/, 'cjs');
  writeFileSync(file, "Object.assign(exports, require('./runs.app.js'));");
  const { code, stdout } = await new Application().start('runs', ...TARGET, '--app', `${file}#InventoryModule`).ended;
  expect([code, stdout]).toEqual([0, 'No runs\n']);
});

it('SIGTERM ends a run, which is recorded as aborted, and closes the application', async () => {
  const app = new Application();
  app.mode = 'stuck';
  const { child, ended, errors } = app.start('plan', '--app', `${compiled.pathOf(APP)}#InventoryModule`, ...SIDES);
  const isOver = ended.then(() => true);
  while (!errors().includes('loading\n')) {
    if ((await Promise.race([isOver, once(child.stderr as NodeJS.ReadableStream, 'data')])) === true) break;
  }
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await ended;
  expect(code).toBe(1);
  expect(stdout).toContain('outcome   aborted');
  expect(stderr).toMatch(/^loading\nError: .*aborted.*\nclosed\n$/);
  app.mode = '';
  const page = await app.json<RunPage>(0, 'runs', ...TARGET);
  expect([page.runs.map(({ outcome }) => outcome), Object.keys(page)]).toEqual([['aborted'], ['runs']]);
});
