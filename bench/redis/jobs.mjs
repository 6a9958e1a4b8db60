import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { Samples } from '../measure.mjs';
import { referenceJob } from './reference.mjs';

const script = fileURLToPath(new URL('./job.mjs', import.meta.url));
export const STEPS = ['load', 'diff', 'sync', 'second diff'];
export const DOERS = ['floor', 'ours'];

/** `10,000 + 10,000, flat`, as the rows of the table are named. */
export function jobName({ size, parents }) {
  const many = size.toLocaleString('en');
  return `${many} + ${many}, ${parents === 0 ? 'flat' : `${parents} parents`}`;
}

/** Floor and ours in turn, each in a process of its own and with the server to itself; `jobs` are run `rounds` times. */
export async function measureJobs(url, jobs) {
  const samples = new Samples();
  const admin = new Redis(url);
  try {
    for (const job of jobs) {
      for (let round = 0; round < job.rounds; round++) {
        for (const doer of DOERS) await measureJob(doer, url, job, admin, samples);
      }
    }
    await admin.flushall();
    return { samples, reference: await referenceJob(url) };
  } finally {
    await admin.quit();
  }
}

/** The whole job of our own store, once. */
export async function measureOurJob(url, job, samples) {
  const admin = new Redis(url);
  try {
    await measureJob('ours', url, job, admin, samples);
    await admin.flushall();
  } finally {
    await admin.quit();
  }
}

async function measureJob(doer, url, job, admin, samples) {
  await admin.flushall();
  const { ms, changes, peakRssMiB } = await runJob(doer, url, job);
  const name = `${jobName(job)}: ${doer}`;
  for (const step of STEPS) samples.add(`${name}: ${step}`, ms[step]);
  samples.add(
    `${name}: total`,
    STEPS.reduce((sum, step) => sum + ms[step], 0),
  );
  samples.add(`${name}: peak MiB`, peakRssMiB);
  samples.add(`${name}: changes`, changes);
}

async function runJob(doer, url, { size, parents }) {
  const args = [script, doer, url, String(size), String(parents)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 5 * 60_000 });
  return JSON.parse(stdout);
}
