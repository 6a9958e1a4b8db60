// Runs the tests of SqliteStore with each generation of better-sqlite3 on the versions of Node that go with it: 12 on Node 20,
// 13 on the newest Node 24. The npm package `node` has the binaries. Usage: npm run test:sqlite [-- DRIVER@NODE ...]
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const wanted = process.argv.slice(2);
const pairs = (wanted.length > 0 ? wanted : ['12@20', '13@24']).map((pair) => pair.split('@'));
const results = [];

for (const [driver, node] of pairs) {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-sqlite-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', `node@${node}`], { cwd: folder });
    const binary = join(folder, 'node_modules/node/bin/node');
    const env = { ...process.env, PATH: `${join(folder, 'node_modules/node/bin')}:${process.env.PATH}` };
    // Built, where there is no binary, for the Node that it will run on.
    const drivers = join(folder, 'driver');
    mkdirSync(drivers);
    writeFileSync(join(drivers, 'package.json'), '{"private":true}');
    execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', `better-sqlite3@${driver}`], {
      cwd: drivers,
      env,
    });

    // This repository with the other driver.
    const root = join(folder, 'repository');
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    for (const part of [
      'src',
      'test',
      'scripts',
      'examples',
      'dist',
      'docs',
      'package.json',
      'jest.config.mjs',
      'tsconfig.json',
      'README.md',
    ]) {
      cpSync(join(repository, part), join(root, part), {
        recursive: true,
        filter: (source) => !source.slice(repository.length).includes('node_modules'),
      });
    }
    for (const name of readdirSync(join(repository, 'node_modules'))) {
      if (name !== 'better-sqlite3')
        symlinkSync(join(repository, 'node_modules', name), join(root, 'node_modules', name));
    }
    for (const name of readdirSync(join(drivers, 'node_modules')).filter((each) => !each.startsWith('.'))) {
      rmSync(join(root, 'node_modules', name), { force: true });
      cpSync(join(drivers, 'node_modules', name), join(root, 'node_modules', name), { recursive: true });
    }
    const version = JSON.parse(
      execFileSync('npm', ['ls', 'better-sqlite3', '--json'], { cwd: drivers, encoding: 'utf8' }),
    ).dependencies['better-sqlite3'].version;
    const jest = (...args) => {
      const command = ['--experimental-vm-modules', '--no-warnings', join(repository, 'node_modules/jest/bin/jest.js')];
      const run = spawnSync(binary, [...command, '--rootDir', root, '--json', '-w', '1', ...args], {
        cwd: root,
        env: { ...env, SQLITE_DRIVER: driver },
        encoding: 'utf8',
        maxBuffer: 1e9,
      });
      if (run.status !== 0) process.stderr.write(run.stderr.slice(-20_000));
      const { numPassedTests = 0, numFailedTests = 0 } = run.stdout.startsWith('{') ? JSON.parse(run.stdout) : {};
      return { passed: numPassedTests, failed: numFailedTests, ended: run.signal ?? `exit ${run.status}` };
    };
    const on = execFileSync(binary, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim();
    for (const [tests, ...args] of [
      ['own', 'test/store/sqlite'],
      ['contract', 'test/store/store-contract', '-t', '^store contract: sqlite'],
    ]) {
      results.push({ driver: version, node: on, tests, ...jest(...args) });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
console.table(results);
process.exit(results.every(({ passed, failed, ended }) => passed > 0 && failed === 0 && ended === 'exit 0') ? 0 : 1);
