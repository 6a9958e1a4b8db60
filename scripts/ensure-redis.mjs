// Runs before the tests, which start their own redis-server: says nothing when it is on PATH, tries to install it with
// apt-get when it is not, and fails with what to install when that does not help. Writes to stderr only.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const onPath = (command) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));

/** Runs apt-get, bounded by `timeout`: what sudo starts as root is not ours to kill. Returns why it failed, if it did. */
function aptGet(prefix, seconds, args) {
  const bounded = ['timeout', '--kill-after=10', String(seconds), 'env', 'DEBIAN_FRONTEND=noninteractive'];
  const [command, ...rest] = prefix.concat(bounded, 'apt-get', args);
  console.error(`ensure-redis: ${[command, ...rest].join(' ')}`);
  const { error, status, signal } = spawnSync(command, rest, { stdio: ['ignore', 2, 2] });
  if (status === 0) return [];
  const reason = error?.message ?? signal ?? (status === 124 ? `not done after ${seconds} s` : `exit code ${status}`);
  return [`apt-get ${args[0]}: ${reason}`];
}

function install() {
  if (!onPath('apt-get')) return ['there is no apt-get to install it with'];
  const root = process.getuid?.() === 0;
  if (!root && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', timeout: 10_000 }).status !== 0) {
    return ['apt-get needs root, and sudo -n does not work here'];
  }
  const prefix = root ? [] : ['sudo', '-n'];
  // A failed update (one broken source is enough) is reported but does not rule the install out.
  return [
    ...aptGet(prefix, 120, ['update']),
    ...aptGet(prefix, 300, ['install', '-y', '--no-install-recommends', 'redis-server']),
  ];
}

if (!onPath('redis-server')) {
  const failures = install().join('; ');
  if (onPath('redis-server')) {
    // PATH decides, not apt-get: the install also fails where only the packaged service cannot start.
    if (failures !== '') console.error(`ensure-redis: redis-server was installed in spite of: ${failures}`);
  } else {
    console.error(
      'ensure-redis: there is no redis-server on PATH, and the tests start their own. Install "redis-server" (Debian ' +
        `and Ubuntu: apt-get install redis-server; macOS: brew install redis). Not done here: ${failures || 'the installed package has none'}.`,
    );
    process.exitCode = 1;
  }
}
