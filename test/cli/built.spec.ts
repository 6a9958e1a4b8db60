/** The command as npx starts it: built, in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { Device, fill, make, type Ended, type Listed } from './cli.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  dependencies: Record<string, string>;
};
const MAIN = manifest.bin['nestjs-diffsync'] ?? '';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
  if (!existsSync(join(ROOT, MAIN))) throw new Error('There is no built command: npm run build');
  await fill({ url: server.url, storeId: 'inv' }, make(Device, 2));
});

afterAll(() => server.stop());

/** @param read whether anybody reads what it prints. */
async function start(main: string, args: readonly string[], read = true): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], {
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 110_000,
  });
  let [stdout, stderr] = ['', ''];
  if (read) child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  else child.stdout.destroy();
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

describe('the built command', () => {
  it('prints one line of JSON and ends by itself', async () => {
    const { code, stdout, stderr } = await start(join(ROOT, MAIN), ['stores', '--url', server.url, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((JSON.parse(stdout) as Listed).stores).toMatchObject([{ id: 'inv', objects: 2 }]);
  });

  it('ends in silence when its output is closed', async () => {
    const ended = await start(join(ROOT, MAIN), ['stores', '--url', server.url], false);
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('has exit codes', async () => {
    expect((await start(join(ROOT, MAIN), [])).code).toBe(2);
    expect((await start(join(ROOT, MAIN), ['stores', '--url', server.url, '--prune', 'inv'])).code).toBe(2);
    expect((await start(join(ROOT, MAIN), ['stores', '--url', `${server.url}/99`])).code).toBe(1);
  });

  it('needs no Nest, and without ioredis says what to install', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-cli-'));
    try {
      cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      const install = (name: string): void => {
        const link = join(folder, 'node_modules', name);
        mkdirSync(dirname(link), { recursive: true });
        symlinkSync(join(ROOT, 'node_modules', name), link);
      };
      for (const name of Object.keys(manifest.dependencies)) install(name);
      const args = ['stores', '--url', server.url];
      const without = await start(join(folder, MAIN), args);
      expect(without).toMatchObject({ code: 1, stdout: '' });
      expect(without.stderr).toMatch(/^Error: .*npm install ioredis\n$/);
      install('ioredis');
      expect(await start(join(folder, MAIN), args)).toMatchObject({ code: 0, stderr: '' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
