// What the tests need beside npm's packages: says nothing when it is on PATH, tries to install it with apt-get when it is not, and
// fails with what to install when that does not help. Writes to stderr only.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const onPath = (command) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));

/**
 * Makes sure that a command is there, or sets the exit code.
 * @param script - Who asks, for what is said.
 * @param commands - The names that the command has, by system.
 * @param debian - Debian's package with it.
 * @param seconds - How long its installation may take.
 * @param why - What needs it, and what to install elsewhere.
 */
export function ensureInstalled({ script, commands, debian, seconds, why }) {
  const there = () => commands.some(onPath);
  if (there()) return;
  const failures = install(script, debian, seconds).join('; ');
  if (there()) {
    // PATH decides, not apt-get: the install also fails where only the packaged service cannot start.
    if (failures !== '') console.error(`${script}: ${debian} was installed in spite of: ${failures}`);
    return;
  }
  console.error(`${script}: ${why}. Not done here: ${failures || 'the installed package has none'}.`);
  process.exitCode = 1;
}

function install(script, debian, seconds) {
  if (!onPath('apt-get')) return ['there is no apt-get to install it with'];
  const root = process.getuid?.() === 0;
  if (!root && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', timeout: 10_000 }).status !== 0) {
    return ['apt-get needs root, and sudo -n does not work here'];
  }
  const prefix = root ? [] : ['sudo', '-n'];
  // A failed update (one broken source is enough) is reported but does not rule the install out.
  return [
    ...aptGet(script, prefix, 120, ['update']),
    ...aptGet(script, prefix, seconds, ['install', '-y', '--no-install-recommends', debian]),
  ];
}

/** Runs apt-get, bounded by `timeout`: what sudo starts as root is not ours to kill. Returns why it failed, if it did. */
function aptGet(script, prefix, seconds, args) {
  const bounded = ['timeout', '--kill-after=10', String(seconds), 'env', 'DEBIAN_FRONTEND=noninteractive'];
  const [command, ...rest] = prefix.concat(bounded, 'apt-get', args);
  console.error(`${script}: ${[command, ...rest].join(' ')}`);
  const { error, status, signal } = spawnSync(command, rest, { stdio: ['ignore', 2, 2] });
  if (status === 0) return [];
  const reason = error?.message ?? signal ?? (status === 124 ? `not done after ${seconds} s` : `exit code ${status}`);
  return [`apt-get ${args[0]}: ${reason}`];
}
