import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NestFactory } from '@nestjs/core';
import { SyncRunner } from 'nestjs-diffsync';
import { SyncQueue } from 'nestjs-diffsync/bullmq';
import { AppModule } from './app.module.js';
import { CmdbAdapter } from './inventory.js';
import { startNetbox, TOKEN } from './netbox.js';

const WORKERS = 3;
const PARTS = 6;
const RUN = {
  source: 'netbox',
  target: 'cmdb',
  load: 'source',
  parts: PARTS,
  concurrency: 4,
  exclusive: { ttlMs: 10_000 },
} as const;

const netbox = await startNetbox();
process.env['NETBOX_URL'] = `http://127.0.0.1:${(netbox.address() as AddressInfo).port}`;
process.env['NETBOX_TOKEN'] = TOKEN;

const module = AppModule.with({ works: false });
const app = await NestFactory.createApplicationContext(module, { logger: ['error'], abortOnError: false });
const workers = await Promise.all(Array.from({ length: WORKERS }, startWorker));
console.log(`${WORKERS} workers are waiting`);

try {
  const queue = app.get(SyncQueue);
  const victim = Promise.race(workers.map(async (worker) => [await once(worker, 'message'), worker] as const));
  const first = await queue.add({ ...RUN, label: 'nightly' });
  console.log(`a run in ${PARTS} parts is on the queue`);
  const ended = show(queue, first.runId);
  // Nothing is created in a CMDB that has all, nor by a run that fails first.
  const met = await Promise.race([victim, ended]);
  if (met !== undefined) {
    const [[device], worker] = met;
    console.log(`a worker that creates a device is killed: ${String(device).replace(/\d+/, '…')}`);
    worker.kill('SIGKILL');
  }
  await ended;
  await show(queue, (await queue.add(RUN)).runId);
  const cmdb = app.get(CmdbAdapter);
  console.log(`the CMDB has ${await cmdb.count('device')} devices and ${await cmdb.count('interface')} interfaces`);
  const { runs } = await app.get(SyncRunner).history(cmdb).list();
  console.log(`its history has ${runs.length} runs`);
} finally {
  for (const worker of workers) worker.kill('SIGTERM');
  await Promise.all(workers.map(async (worker) => worker.exitCode ?? worker.signalCode ?? once(worker, 'exit')));
  await app.close();
  netbox.close();
}

async function startWorker(): Promise<ChildProcess> {
  const worker = fork(fileURLToPath(new URL('./worker.js', import.meta.url)));
  await once(worker, 'message');
  return worker;
}

/** Waits for the end of a run, and prints what it was. */
async function show(queue: SyncQueue, runId: string): Promise<void> {
  for (;;) {
    const { state, error, run } = (await queue.get(runId)) ?? {};
    if (state === 'failed') throw new Error(error);
    if (state === 'completed' && run !== undefined) {
      const { create, update } = run.counts ?? {};
      return console.log(
        `the run has ${run.outcome}: ${create} created, ${update} updated, ${run.results?.failed} failed`,
      );
    }
    await sleep(100);
  }
}
