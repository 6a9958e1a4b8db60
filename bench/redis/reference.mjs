import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('./reference.py', import.meta.url));
const MINUTES = 5;

/** What Python's DiffSync takes for the rows, as microseconds by row; or why it was not measured. */
export function referenceRows(url) {
  return reference('rows', url);
}

/** The same of the whole job, as milliseconds by step. */
export function referenceJob(url) {
  return reference('job', url);
}

async function reference(what, url) {
  try {
    await promisify(execFile)('python3', ['-c', 'import diffsync, redis']);
  } catch (error) {
    const reason = String(error.stderr ?? error.message)
      .trim()
      .split('\n')
      .at(-1);
    return { missing: `not measured: python3 cannot import diffsync and redis (${reason})` };
  }
  const { stdout } = await promisify(execFile)('python3', [script, what, url], { timeout: MINUTES * 60_000 });
  return JSON.parse(stdout);
}
