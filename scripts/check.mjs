// Runs the checks that start no server, side by side. Usage: npm run check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const CHECKS = ['lint', 'types', 'check:package'];

const failed = (await Promise.all(CHECKS.map(run))).filter((check) => check !== undefined);
if (failed.length > 0) {
  process.stderr.write(`failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
}

/** @returns the name of a check that fails; what it says is shown as a whole. */
async function run(check) {
  const child = spawn('npm', ['run', '--silent', check], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (code === 0) return undefined;
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return check;
}
