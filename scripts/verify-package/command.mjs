// Runs one command for the scripts that prove the package: with a deadline, in an environment like a user's.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** A command that takes longer hangs. Compiling better-sqlite3 on a busy machine is the longest of them. */
const DEADLINE_MS = 15 * 60_000;
/** What `npm run` tells the scripts that it starts, and what would change how Node runs. npm's own settings stay. */
const NOT_A_USERS =
  /^(npm_(package|lifecycle)_.*|npm_config_(loglevel|local_prefix|prefix)|NODE_(OPTIONS|PATH|ENV)|FORCE_COLOR)$/i;

const running = new Set();
process.on('exit', () => running.forEach(kill));

/** Returns the environment of a user's shell; `bin` comes first on the PATH. */
function userEnvironment(bin, more) {
  const own = Object.entries(process.env).filter(([name]) => !NOT_A_USERS.test(name));
  const env = { ...Object.fromEntries(own), NO_COLOR: '1', CI: 'true', ...more };
  return bin === undefined ? env : { ...env, PATH: `${bin}:${env.PATH}` };
}

/**
 * Resolves to what the command printed, both streams; rejects with an error that shows it where the command fails or takes too long.
 * @param options - `cwd`; `bin`: a folder for the PATH; `env`: more variables; `mayFail`: resolve whatever the exit code is.
 */
export async function run(command, args, { cwd, bin, env, mayFail = false }) {
  const child = spawn(command, args, {
    cwd,
    env: userEnvironment(bin, env),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    kill(child);
  }, DEADLINE_MS);
  try {
    const [stdout, stderr, [code, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    const printed = `${stdout}${stderr}`.trim();
    if ((code === 0 || mayFail) && !isLate) return printed;
    const how = isLate
      ? `was ended after ${DEADLINE_MS / 60_000} minutes`
      : `ended with ${signal ?? `exit code ${code}`}`;
    throw new Error(`${command} ${how}\n$ ${[command, ...args].join(' ')}\n${printed.slice(-8000)}`);
  } finally {
    clearTimeout(timer);
    running.delete(child);
  }
}

/** With all that it has started. */
function kill(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
