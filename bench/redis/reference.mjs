import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('./reference.py', import.meta.url));
const MINUTES = 5;

/** What Python's DiffSync takes for the rows, as microseconds by row, and with what others failed; or why it was not measured. */
export function referenceRows(url) {
  return reference('rows', url);
}

/** The same of the whole job, as milliseconds by step. */
export function referenceJob(url) {
  return reference('job', url);
}

/** Says of what was measured what there is to say. */
export function reportReference({ missing, failed = {} }, measured) {
  console.log(`reference (Python): ${missing ?? measured}`);
  for (const [step, error] of Object.entries(failed)) console.log(`reference (Python): ${step} failed: ${error}`);
}

async function reference(what, url) {
  const python = async (...args) => (await promisify(execFile)('python3', args, { timeout: MINUTES * 60_000 })).stdout;
  try {
    await python('-c', 'import diffsync, redis');
  } catch (error) {
    return { missing: `not measured: python3 cannot import diffsync and redis (${lastLine(error)})` };
  }
  try {
    return JSON.parse(await python(script, what, url));
  } catch (error) {
    return { missing: `not measured: it has failed (${lastLine(error)})` };
  }
}

function lastLine({ stderr, message }) {
  return String(stderr || message)
    .trim()
    .split('\n')
    .at(-1);
}
