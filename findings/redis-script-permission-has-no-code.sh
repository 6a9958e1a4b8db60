#!/usr/bin/env bash
# Redis 7.0.15: a right that a user lacks is NOPERM for a command, and a plain ERR inside a script.
#
# A client can tell "not allowed" from other failures by the error's code only for commands of its own. What a script calls is
# refused with the code ERR and words, which are others again on Redis 8.0.2 and Valkey 8.0.1 ("ACL failure in script: …"). So
# there is no code to read: a table of each server's words is needed, or a test of the rights before the first script.
#
# Needs redis-server 7.0 on the PATH (Debian 12's package), and starts one on a free loopback port.
# Output seen: see EXPECTED below. Exits 1 when the server behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ioredis@6.0.0
cat > finding.mjs <<'JS'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
const admin = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 50 });
admin.on('error', () => {}); // Until the server listens.
console.log(`server ${/redis_version:(\S+)/.exec(await admin.info())[1]}`);
await admin.acl('SETUSER', 'app', 'on', '>secret', '~app:*', '+@all', '-msetnx');
const app = new Redis({ port, host: '127.0.0.1', username: 'app', password: 'secret' });

async function answer(name, call) {
  const text = await call.then(String, (error) => error.message);
  console.log(`${name}: ${text.replace(/ script: .*/, '')}`);
}
await answer('command', app.msetnx('app:a', '1'));
await answer('command in a script', app.eval("return redis.call('msetnx', KEYS[1], '1')", 1, 'app:a'));
await answer('key', app.get('other'));
await answer('key in a script', app.eval("return redis.call('get', 'other')", 0));

admin.disconnect();
app.disconnect();
server.kill();
await once(server, 'exit');
JS
cat > EXPECTED <<'TEXT'
server 7.0.15
command: NOPERM this user has no permissions to run the 'msetnx' command
command in a script: ERR The user executing the script can't run this command or subcommand
key: NOPERM this user has no permissions to access one of the keys used as arguments
key in a script: ERR The user executing the script can't access at least one of the keys mentioned in the command arguments
TEXT
node finding.mjs | tee OUTPUT
diff EXPECTED OUTPUT
