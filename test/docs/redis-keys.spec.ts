// What docs/redis.md shows of a store on a server is asked of a real one. `UPDATE_DOCS=1 npm run test:run -- test/docs/redis-keys` writes it.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { DiffSyncModel } from '../../src/index.js';
import { RedisStore } from '../../src/store/redis/index.js';
import { afterEachTest, serve } from '../support/cleanups.js';
import { withClient } from '../support/redis-client.js';

const PAGE = fileURLToPath(new URL('../../docs/redis.md', import.meta.url));
const BEGIN = '<!-- keys: by UPDATE_DOCS=1 and test/docs/redis-keys.spec.ts -->\n';
const END = '<!-- end of keys -->';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string(), seen: z.date().optional() }),
  identifiers: ['name'],
  attributes: ['role', 'seen'],
}) {}

const cleanup = afterEachTest();

/** A command as redis-cli takes it, and what the server replies, item by item. */
async function ask(client: Redis, line: string): Promise<string> {
  const [command = '', ...args] = line.split(' ');
  const reply: unknown = await client.call(command, ...args);
  const items = (Array.isArray(reply) ? reply : [reply]).map(String);
  return [`> ${line}`, ...(command === 'KEYS' ? items.toSorted() : items)].join('\n');
}

it('docs/redis.md shows the keys of a store as they are', async () => {
  const server = await serve(cleanup);
  const store = await RedisStore.connect({ url: server.url, storeId: 'inventory' });
  cleanup(() => store.close());
  await store.addMany({
    objs: [new Device({ name: 'r1', role: 'spine' }), new Device({ name: 'r2', role: 'leaf', seen: new Date(0) })],
  });
  const text = await withClient(server, async (client) => {
    const lines = [
      'KEYS *',
      'SMEMBERS diffsync.models:inventory',
      'ZRANGE diffsync.index:inventory:device 0 -1 WITHSCORES',
      'GET diffsync:inventory:device:r1',
      'GET diffsync:inventory:device:r2',
      'HMGET diffsync.state:inventory:device format filled',
      'TTL diffsync:inventory:device:r1',
    ];
    const replies: string[] = [];
    for (const line of lines) replies.push(await ask(client, line));
    return replies.join('\n\n');
  });

  const page = readFileSync(PAGE, 'utf8');
  const [before = '', rest = ''] = page.split(BEGIN);
  const [, after] = rest.split(END);
  if (after === undefined) throw new Error(`${PAGE} has no part between ${BEGIN} and ${END}`);
  const expected = `${before}${BEGIN}\n\`\`\`text\n${text}\n\`\`\`\n\n${END}${after}`;
  if (process.env['UPDATE_DOCS'] !== undefined) writeFileSync(PAGE, expected);
  expect(readFileSync(PAGE, 'utf8')).toBe(expected);
});
