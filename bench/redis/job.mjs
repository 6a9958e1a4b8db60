/**
 * One whole job in a process of its own, so that its memory is its own: loads both sides, compares, synchronises, compares
 * again. `node job.mjs <doer> <url> <size> <parents>` prints what each step took.
 */
import { peakRssMiB } from '../measure.mjs';

const DOERS = { ours: () => import('./job-ours.mjs'), floor: () => import('./job-floor.mjs') };

const [doer, url, size, parents] = process.argv.slice(2);
const { job } = await DOERS[doer]();

const ms = {};
let started;
let running;

/** Only what the doer does is measured: the clock stands while the bench makes its data. */
const clock = {
  step(name) {
    clock.pause();
    running = name;
    clock.resume();
  },
  pause() {
    if (started !== undefined) ms[running] = (ms[running] ?? 0) + performance.now() - started;
    started = undefined;
  },
  resume() {
    started = performance.now();
  },
};

const changes = await job({ url, size: Number(size), parents: Number(parents), clock });
clock.pause();
console.log(JSON.stringify({ ms, changes, peakRssMiB: peakRssMiB() }));
