#!/usr/bin/env bash
# cluster-key-slot 1.1.1 (in ioredis 6.0.0) and 1.1.2: another slot than the server's for a key whose first braces are empty.
#
# The cluster specification hashes the whole key then, with `foo{}{bar}` as its example, and so does the server. The package goes
# on to the next closing brace. A client that goes by it asks the wrong node, is redirected at each command, and groups keys of
# different slots into one pipeline or script. Keys without `{}`, or with a tag before it, are right.
#
# Needs redis-server on the PATH, and starts one on a free loopback port.
# Output seen: see EXPECTED below. Exits 1 when package or server behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ioredis@6.0.0 slot2@npm:cluster-key-slot@1.1.2
cat > finding.mjs <<'JS'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import newer from 'slot2';

const require = createRequire(import.meta.url);
const slotOf = createRequire(require.resolve('ioredis'))('cluster-key-slot');
const port = await new Promise((resolve) => {
  // The port of the cluster bus is 10,000 higher.
  const probe = createServer().listen(20_000 + (process.pid % 20_000), '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--cluster-enabled', 'yes'];
const server = spawn('redis-server', flags, { stdio: 'ignore' });
const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 50 });
client.on('error', () => {}); // Until the server listens.

for (const key of ['foo{bar}', 'foo{}{bar}', 'foo{}bar}', 'foo{}']) {
  const right = await client.cluster('KEYSLOT', key);
  console.log(`${key}: server ${right}, 1.1.1 ${slotOf(key)}, 1.1.2 ${newer(key)}`);
}

client.disconnect();
server.kill();
await once(server, 'exit');
JS
cat > EXPECTED <<'TEXT'
foo{bar}: server 5061, 1.1.1 5061, 1.1.2 5061
foo{}{bar}: server 8363, 1.1.1 4015, 1.1.2 4015
foo{}bar}: server 11270, 1.1.1 5061, 1.1.2 5061
foo{}: server 5542, 1.1.1 5542, 1.1.2 5542
TEXT
node finding.mjs | tee OUTPUT
diff EXPECTED OUTPUT
