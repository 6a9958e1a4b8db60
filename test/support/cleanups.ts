/** What a test has started, and is ended after it. */
import { afterEach } from '@jest/globals';
import { startRedis, type RedisServer } from './redis-server.js';

/** Returns what notes the end of something: all ends are called after each test of the file, the last one first. */
export function afterEachTest(): (end: () => unknown) => void {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });
  return (end) => void ends.push(end);
}

/** Starts a server that ends after the test. */
export async function serve(cleanup: (end: () => unknown) => void, ...args: string[]): Promise<RedisServer> {
  const server = await startRedis({ args });
  cleanup(() => server.stop());
  return server;
}
