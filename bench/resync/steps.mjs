import { strict as assert } from 'node:assert';
import { Redis } from 'ioredis';
import { meter } from './meter.mjs';
import { PLACES } from './places.mjs';
import { load, openSides } from './sides.mjs';
import { measureWrites } from './writes.mjs';

/** What a process does. Each gets the job, and returns what it has measured. */
export const steps = {
  seed: (job) => withSides(job, seed),
  change: (job) => withSides(job, change),
  diff: (job) => withSides(job, diff),
  resync: (job) => withSides(job, resync),
  writes: measureWrites,
};

async function withSides(job, work) {
  const sides = await openSides(job);
  const admin = new Redis(job.server);
  try {
    return await work({ ...sides, admin, job, options: job.changeLog ? { incremental: true } : {} });
  } finally {
    await admin.quit();
    for (const { adapter } of Object.values(sides)) await adapter.store.close();
  }
}

/** Fills both sides alike; a sync leaves the first baseline. */
async function seed({ source, target, job, options }) {
  if (PLACES[job.place].source !== 'local') await load(source, 0);
  await load(target, 0);
  if (job.changeLog) await target.adapter.syncFrom(source.adapter, options);
  return {};
}

/** What others write to the source between two syncs. */
async function change({ source, job }) {
  await source.contents.change(job.before, job.touched, (method, objs) => source.adapter.store[method]({ objs }));
  return {};
}

async function diff({ source, target, admin, job, options }) {
  const { value, ...measured } = await meter(admin, () => target.adapter.diffFrom(source.adapter, options));
  checkChanges(value, source, job);
  return { ...measured, kind: kindOf(value) };
}

async function resync({ source, target, admin, job, options }) {
  const { value, ...measured } = await meter(admin, async () => {
    const first = await target.adapter.diffFrom(source.adapter, options);
    await target.adapter.syncFrom(source.adapter, { diff: first });
    return { first, second: await target.adapter.diffFrom(source.adapter, options) };
  });
  checkChanges(value.first, source, job);
  assert.equal(value.second.hasDiffs(), false);
  return { ...measured, kind: `${kindOf(value.first)}, ${kindOf(value.second)}` };
}

/** A comparison that found anything else would be no measure. */
function checkChanges(found, { contents }, { before, touched }) {
  const { create, update, delete: gone } = found.summary();
  assert.deepEqual({ create, update, delete: gone }, contents.expected(before, touched));
}

/** How the comparison was made; of a build that has no other: in full. */
function kindOf({ incremental, fullBecause }) {
  if (incremental) return 'incremental';
  return fullBecause === undefined ? 'full' : `full: ${fullBecause}`;
}
