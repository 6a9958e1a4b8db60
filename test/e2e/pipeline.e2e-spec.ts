/** The example of three workers, of which one is killed: it prints what its README says. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { compile, type Compiled } from '../support/compiled.js';
import { launch } from '../support/example-process.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

const SOURCES = ['main', 'worker', 'app.module', 'inventory', 'netbox'].map(
  (name) => `examples/pipeline/src/${name}.ts`,
);

let compiled: Compiled;
let redis: RedisServer;
let folder: string;

beforeAll(async () => {
  compiled = compile(SOURCES);
  redis = await startRedis();
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-pipeline-'));
});

afterAll(async () => {
  compiled.remove();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('a run in six parts ends well, though one of three workers is killed', async () => {
  const env = { PATH: process.env['PATH'], REDIS_URL: redis.url, CMDB_FILE: join(folder, 'cmdb.db') };
  const { code, stdout, stderr } = await launch([compiled.pathOf(SOURCES[0] as string)], folder, env).ended;
  const [, promised] = /```text\n(.*?)```/s.exec(readFileSync('examples/pipeline/README.md', 'utf8')) ?? [];
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: promised, stderr: '' });
});
