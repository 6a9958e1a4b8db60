// A redis-server for the applications, on a Unix socket alone: no port is taken.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Resolves to the socket when the server takes connections; it ends with this process. */
export async function startRedis(folder) {
  const socket = join(folder, 'redis.sock');
  const server = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.on('exit', () => server.kill('SIGKILL'));
  await once(server, 'spawn');
  server.unref();
  const lines = [];
  for await (const line of createInterface({ input: server.stdout })) {
    lines.push(line);
    if (!/ready to accept connections/i.test(line)) continue;
    server.stdout.destroy();
    return socket;
  }
  throw new Error(`redis-server has ended:\n${lines.join('\n')}`);
}
