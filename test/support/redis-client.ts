/** Short-lived connections to a server's own socket, for what the tests ask of the server itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { RedisServer } from './redis-server.js';

const REPLY_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
/** Less than a test may take, so that the error says what did not come. */
const WAIT_MS = 110_000;

/** A server that takes longer to reply counts as not live: it is killed or paused. */
export const LIVE_MS = 500;

/** The result of use(). Rejects when the server cannot be reached, or does not reply in time. */
export async function withClient<T>(
  server: RedisServer,
  use: (client: Redis) => Promise<T>,
  replyTimeout = REPLY_TIMEOUT_MS,
): Promise<T> {
  const client = new Redis({
    path: server.socket,
    password: decodeURIComponent(new URL(server.url).password),
    protocol: 2,
    disableClientInfo: true, // connect() would wait for the replies to it
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    commandTimeout: replyTimeout,
  });
  client.on('error', () => {}); // connect() or the command says it
  try {
    await client.connect();
    return await use(client);
  } finally {
    // On an ended client disconnect() leaves a timer that keeps the process alive for 2 s.
    if (client.status !== 'end') client.disconnect();
  }
}

/** A server's reply to one command, with arrays as Redis has them before RESP3. */
export function call(
  server: RedisServer,
  ...command: readonly [string, ...(string | number | Buffer)[]]
): Promise<unknown> {
  const [name, ...args] = command;
  return withClient(server, (client) => client.call(name, args));
}

/** The first result of look() that is not undefined; `what` names it in the error when there is none in time. */
export async function waitFor<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + WAIT_MS; ; await sleep(POLL_MS)) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
  }
}
