#!/usr/bin/env bash
# ioredis 6.0.0 on Redis 7.0.15: what a full server says ("ERR max number of clients reached") reaches no caller.
#
# A server at its `maxclients` answers a new connection with that error, before any command, and closes it. ioredis has no
# command that this answer belongs to: `connect()` rejects with "Connection is closed.", the `error` event is EPIPE or
# ECONNRESET (whichever the kernel gives first) or does not come, and the server's words are in neither. Whoever
# operates the application looks for a network fault. To learn the reason, one must read a plain socket.
#
# Needs redis-server on the PATH, and starts one on a free loopback port.
# Output seen: see EXPECTED below. Exits 1 when the client behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ioredis@6.0.0
cat > finding.mjs <<'JS'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { Redis } from 'ioredis';

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--maxclients', '1'];
const server = spawn('redis-server', flags, { stdio: 'ignore' });
const first = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 50 });
first.on('error', () => {}); // Until the server listens.
await first.ping();

const socket = connect(port, '127.0.0.1');
const [line] = await once(socket, 'data');
console.log(`a plain socket reads: ${String(line).trim()}`);
socket.destroy();

const second = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: null });
const told = [];
second.on('error', (error) => told.push(error.message));
await second.connect().then(
  () => console.log('connect() resolves'),
  (error) => {
    console.log(`connect() rejects: ${error.message}`);
    told.push(error.message);
  },
);
console.log(`the reason was told: ${told.some((text) => /max number of clients/.test(text))}`);

first.disconnect();
second.disconnect();
server.kill();
await once(server, 'exit');
JS
cat > EXPECTED <<'TEXT'
a plain socket reads: -ERR max number of clients reached
connect() rejects: Connection is closed.
the reason was told: false
TEXT
node finding.mjs | tee OUTPUT
diff EXPECTED OUTPUT
