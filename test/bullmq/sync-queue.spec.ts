// Runs on a queue, in one process: what is added, when, what becomes of it, and what is asked of it.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import type { INestApplicationContext } from '@nestjs/common';
import type { Job } from 'bullmq';
import { SyncRunner } from '../../src/index.js';
import { SyncQueue, type DiffSyncQueueOptions } from '../../src/bullmq/index.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/redis-client.js';
import { Cmdb, content, deferred, during, inventory, Network } from './inventory.js';

let server: RedisServer;
let app: INestApplicationContext | undefined;
/** What holds a load or hook, until the end of the test at most. */
let held = deferred();

beforeEach(() => void (held = deferred()));
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());
afterEach(async () => {
  held.resolve();
  await app?.close();
  app = undefined;
  Object.assign(content, { devices: 40, role: 'leaf' });
  during.load = during.create = async () => undefined;
});

async function start(
  options: Partial<DiffSyncQueueOptions> = {},
  adapters = [Network, Cmdb],
  name: string = randomUUID(),
) {
  const { host, port, url } = server;
  const queue = { connection: { host, port }, name, ...options };
  const module = await Test.createTestingModule({
    imports: [inventory({ store: { url }, queue, storeId: name }, adapters)],
  }).compile();
  app = await module.init();
  return { queue: app.get(SyncQueue), name };
}

function running(): INestApplicationContext {
  if (app === undefined) throw new Error('there is no application');
  return app;
}

/** Waits for the end of a job. */
const ended = (job: Job): Promise<string> =>
  waitFor('the end of the job', async () => {
    const state = await job.getState();
    return state === 'completed' || state === 'failed' ? state : undefined;
  });

const RUN = { source: 'network', target: 'cmdb', load: 'source' } as const;

describe('a run on the queue', () => {
  it('is performed by the worker, under its id, and get() has it', async () => {
    const { queue } = await start();
    const { runId, job, added } = await queue.add({ ...RUN, label: 'nightly', by: 'test' });
    expect(added).toBe(true);
    expect(await ended(job)).toBe('completed');
    const found = await queue.get(runId);
    expect(found).toMatchObject({
      runId,
      source: 'network',
      target: 'cmdb',
      label: 'nightly',
      by: 'test',
      dryRun: false,
    });
    expect(found).toMatchObject({
      state: 'completed',
      run: { outcome: 'succeeded', counts: { create: 40 }, results: { done: 40 } },
    });
    expect(found?.run?.id).toBe(runId);
    expect(await app?.get(Cmdb).count()).toBe(40);
    expect(await queue.get('20260101T000000Z-00000000')).toBeUndefined();
  });

  it('takes adapters in place of names', async () => {
    const { queue } = await start();
    const { job } = await queue.add({ source: running().get(Network), target: running().get(Cmdb), load: 'source' });
    expect(await ended(job)).toBe('completed');
  });

  it('in parts is performed by one process, too, and BullMQ shows them as its children', async () => {
    const { queue } = await start();
    const { runId, job } = await queue.add({ ...RUN, parts: 4 });
    expect(await ended(job)).toBe('completed');
    const { run } = (await queue.get(runId)) ?? {};
    expect(run).toMatchObject({ outcome: 'succeeded', counts: { create: 40 }, results: { done: 40 } });
    expect(run?.parts?.map(({ outcome, runs }) => [outcome, runs.length])).toEqual(
      Array.from({ length: 4 }, () => ['succeeded', 1]),
    );
    expect(await app?.get(Cmdb).count()).toBe(40);
    // The target was empty, so that the guards had nothing to look at.
    expect(await job.getDependenciesCount()).toEqual({ processed: 4, unprocessed: 0, ignored: 0, failed: 0 });

    const again = await queue.add({ ...RUN, parts: 4 });
    expect(await ended(again.job)).toBe('completed');
    // All parts are equal.
    expect(await again.job.getDependenciesCount()).toEqual({ processed: 4, unprocessed: 0, ignored: 0, failed: 0 });
  });

  it('in parts of which one fails in all attempts: the others are done, and the run has its error', async () => {
    const { queue } = await start({ partJob: { attempts: 2, backoff: { type: 'fixed', delay: 10 } } });
    let calls = 0;
    during.create = async (name) => {
      if (name !== 'd20') return;
      calls++;
      throw new Error('the API says no');
    };
    const { runId, job } = await queue.add({ ...RUN, parts: 4 });
    expect(await ended(job)).toBe('failed');
    const { run, error } = (await queue.get(runId)) ?? {};
    expect(calls).toBe(2);
    expect(error).toMatch(/^RUN_PART_FAILED: .*the API says no/);
    expect(run).toMatchObject({ outcome: 'failed', error: { code: 'RUN_PART_FAILED' } });
    const failed = run?.parts?.filter(({ outcome }) => outcome !== 'succeeded') ?? [];
    expect(failed.map(({ outcome, error: own }) => [outcome, own?.message])).toEqual([
      ['failed', expect.stringContaining('the API says no')],
    ]);
    expect(await app?.get(Cmdb).count()).toBeGreaterThan(20);
  });

  it('answers the one that is waiting or under way, and a new one once that has ended', async () => {
    const { queue } = await start();
    const began = deferred();
    during.load = async () => {
      began.resolve();
      await held.promise;
    };
    const first = await queue.add(RUN);
    await began.promise;
    const again = await Promise.all([queue.add(RUN), queue.add({ ...RUN, dryRun: true })]);
    expect(again.map(({ runId, added }) => [runId, added])).toEqual([
      [first.runId, false],
      [first.runId, false],
    ]);
    held.resolve();
    await ended(first.job);
    const next = await queue.add(RUN);
    expect(next.added).toBe(true);
    expect(next.runId > first.runId.slice(0, 15)).toBe(true);
    expect(await ended(next.job)).toBe('completed');
  });

  it('that a guard refuses has failed, says why, and is not tried again', async () => {
    const { queue } = await start();
    await ended((await queue.add(RUN)).job);
    content.devices = 0;
    const { runId, job } = await queue.add(RUN);
    expect(await ended(job)).toBe('failed');
    const found = await queue.get(runId);
    expect(found?.error).toMatch(/^SYNC_SOURCE_EMPTY: /);
    expect(found?.run).toMatchObject({ id: runId, outcome: 'refused', error: { code: 'SYNC_SOURCE_EMPTY' } });
    expect(await app?.get(Cmdb).count()).toBe(40);
  });

  it('tells how far it is', async () => {
    const { queue } = await start();
    during.create = async (name) => {
      if (name === 'd20') await held.promise;
    };
    const { runId, job } = await queue.add(RUN);
    const progress = await waitFor('progress of the sync', async () => {
      const found = (await queue.get(runId))?.progress;
      return found?.phase === 'apply' && found.current >= 20 ? found : undefined;
    });
    expect(progress.total).toBe(40);
    expect((await queue.get(runId))?.run).toMatchObject({ outcome: 'running' });
    held.resolve();
    await ended(job);
  });

  it('is made with the functions of the process that performs it', async () => {
    const asked: object[] = [];
    const functions = (sides: object): object => {
      asked.push(sides);
      return { filters: { device: ({ name }: { name: string }) => name.endsWith('7') } };
    };
    const { queue } = await start({ functions });
    await ended((await queue.add(RUN)).job);
    expect(asked).toEqual([{ source: 'network', target: 'cmdb' }]);
    expect((await running().get(Cmdb).getAll('device')).map((each) => each.getUniqueId())).toEqual([
      'd7',
      'd17',
      'd27',
      'd37',
    ]);
  });

  it('refuses what is no value, is no option, or makes no sense', async () => {
    const { queue } = await start({ worker: false });
    const refusals: [object, RegExp][] = [
      [{ ...RUN, filters: {} }, /no option "filters".*functions/],
      [{ ...RUN, maxDeletes: Infinity }, /maxDeletes/],
      [{ ...RUN, parts: 0 }, /parts/],
      [{ ...RUN, target: 'network' }, /same adapter/],
      [{ ...RUN, source: {} }, /source/],
    ];
    for (const [options, message] of refusals) {
      await expect((async () => queue.add(options as typeof RUN))()).rejects.toMatchObject({
        code: 'VALUE_ERROR',
        message: expect.stringMatching(message),
      });
    }
  });

  it('goes back to the queue where the process lacks the adapter, and is performed by the one that has it', async () => {
    const { queue, name } = await start({}, [Network]);
    const { runId, job } = await queue.add(RUN);
    await waitFor('the job to be given back', async () => ((await job.getState()) === 'delayed' ? true : undefined));
    const other = app;
    await start({}, [Network, Cmdb], name);
    try {
      expect(await ended(job)).toBe('completed');
      expect(await queue.get(runId)).toMatchObject({ state: 'completed' });
    } finally {
      await other?.close();
    }
  });

  it('goes back to the queue when the application is closed before it ends, and goes on elsewhere', async () => {
    const { queue, name } = await start();
    const began = deferred();
    during.create = async (device) => {
      if (device !== 'd20') return;
      during.create = async () => undefined;
      began.resolve();
      await closing;
    };
    let closing: Promise<unknown> | undefined;
    const { runId } = await queue.add(RUN);
    await began.promise;
    closing = new Promise((resolve) => setImmediate(resolve));
    await app?.close();
    const next = await start({}, [Network, Cmdb], name);
    const job = (await next.queue.add(RUN)).job;
    expect(job.id).toBe(runId);
    expect(await ended(job)).toBe('completed');
    expect((await next.queue.get(runId))?.run).toMatchObject({ outcome: 'succeeded' });
    expect(await app?.get(Cmdb).count()).toBe(40);
  });
});

describe('a schedule', () => {
  it('adds runs by itself, is listed, replaced and ended', async () => {
    const { queue } = await start();
    await queue.schedule('often', { every: 500 }, { ...RUN, label: 'by schedule' });
    const [first, second] = await waitFor('two runs', async () => {
      const { runs } = await running().get(SyncRunner).history(running().get(Cmdb)).list();
      return runs.length >= 2 && runs.every(({ outcome }) => outcome === 'succeeded') ? runs : undefined;
    });
    expect([first?.label, second?.label]).toEqual(['by schedule', 'by schedule']);
    await waitFor('its job', async () =>
      (await queue.get(first?.id ?? ''))?.state === 'completed' ? true : undefined,
    );
    await queue.schedule('often', { pattern: '0 2 * * *', tz: 'Europe/Zurich' }, RUN);
    const [schedule, ...others] = await queue.schedules();
    expect(others).toEqual([]);
    expect(schedule).toMatchObject({
      id: 'often',
      source: 'network',
      target: 'cmdb',
      pattern: '0 2 * * *',
      tz: 'Europe/Zurich',
    });
    expect(Date.parse(schedule?.next ?? '')).toBeGreaterThan(Date.now());
    expect(await queue.unschedule('often')).toBe(true);
    expect(await queue.unschedule('often')).toBe(false);
    expect(await queue.schedules()).toEqual([]);
  });

  it('refuses a wrong pattern, and none', async () => {
    const { queue } = await start({ worker: false });
    const wrong = expect.objectContaining({ code: 'VALUE_ERROR' });
    await expect(queue.schedule('x', { pattern: 'every now and then' }, RUN)).rejects.toEqual(wrong);
    await expect(queue.schedule('x', {}, RUN)).rejects.toEqual(wrong);
    await expect(queue.schedule('', { every: 1000 }, RUN)).rejects.toEqual(wrong);
    expect(await queue.schedules()).toEqual([]);
  });
});
