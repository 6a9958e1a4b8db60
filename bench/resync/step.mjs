/**
 * One step of the benchmark of repeated syncs, in a process of its own: `node step.mjs JOB`. It sends its parent process what it
 * has measured. The environment names the build.
 */
import { steps } from './steps.mjs';

const job = JSON.parse(process.argv[2]);
const measured = await steps[job.step](job);
process.send(measured, () => process.disconnect());
