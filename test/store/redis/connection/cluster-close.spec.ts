// A timer of a cluster's client could outlive the store, and hold the process.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compile, type Compiled } from '../../../support/compiled.js';
import { startCluster, type RedisCluster } from '../../../support/redis-cluster.js';

const WORKER = 'test/store/redis/connection/cluster-close.worker.ts';

let cluster: RedisCluster;
let compiled: Compiled;

beforeAll(async () => {
  cluster = await startCluster({ replicas: 0 });
  compiled = compile([WORKER]);
});

afterAll(async () => {
  compiled.remove();
  await cluster.stop();
});

it('no timer of an open cluster store holds its process, so that none can after close()', async () => {
  const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
  const { stdout } = await promisify(execFile)(process.execPath, [compiled.pathOf(WORKER), JSON.stringify(nodes)]);
  expect(stdout.trim()).toBe('[]');
});
