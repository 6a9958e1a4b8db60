// For Redis only: its records are compared by their encoding first. With and without that, a diff is the same.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { Adapter, DiffSyncModel, DiffSyncModelFlags, type ModelClass, type ModelRecord } from '../../../src/index.js';
import { copyRecord } from '../../../src/record/model-record.js';
import { RedisStore } from '../../../src/store/redis/index.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';

/** Decodes every record that it reads, so that no encodings are compared. */
class DecodingStore extends RedisStore {
  protected override async readRecords(model: string, uids: readonly string[]): Promise<(ModelRecord | undefined)[]> {
    return (await super.readRecords(model, uids)).map((record) => record && copyRecord(record));
  }

  protected override async *scanRecords(model: string, pageSize: number): AsyncGenerator<ModelRecord[]> {
    for await (const page of super.scanRecords(model, pageSize)) yield page.map(copyRecord);
  }
}

const list = z.array(z.string()).default(() => []);
const site = { name: 'site', schema: z.object({ name: z.string(), devices: list }), identifiers: ['name'] } as const;
const device = {
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string(), note: z.string().default('') }),
  identifiers: ['name'],
} as const;

class Site extends DiffSyncModel.define({ ...site, children: { device: 'devices' } }) {}
class Device extends DiffSyncModel.define({ ...device, attributes: ['role', 'note'] }) {}
/** Another definition of the same model. */
class RoleOnly extends DiffSyncModel.define({ ...device, attributes: ['role'] }) {}
/** Never equal to itself. */
let asked = 0;
class Counting extends Device {
  override getAttrs() {
    return { ...super.getAttrs(), note: String(asked++) };
  }
}
class Comparing extends DiffSyncModel.define({
  ...device,
  attributes: ['role', 'note'],
  compare: { role: (a, b) => a.toLowerCase() === b.toLowerCase() },
}) {}

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});

afterAll(async () => {
  await redis.quit();
  await server.stop();
});

interface Content {
  /** Name -> role. */
  readonly devices: Readonly<Record<string, string>>;
  readonly linked?: readonly string[];
  readonly flags?: Readonly<Record<string, DiffSyncModelFlags>>;
}

interface Sides {
  readonly source: Content;
  readonly target: Content;
  readonly models?: readonly [source: ModelClass, target: ModelClass];
}

async function withSides<T>(
  Store: typeof RedisStore,
  { source, target, models = [Device, Device] }: Sides,
  work: (source: Adapter, target: Adapter) => Promise<T>,
): Promise<T> {
  await redis.flushall();
  const adapters: Adapter[] = [];
  try {
    for (const [at, { devices, linked = Object.keys(devices), flags = {} }] of [source, target].entries()) {
      const model = models[at] as ModelClass;
      class Inventory extends Adapter {
        static override readonly models = [Site, model];
        static override readonly topLevel = ['site'];
      }
      const name = at === 0 ? 'source' : 'target';
      const adapter = new Inventory({ name, store: await Store.connect({ url: server.url, storeId: name }) });
      adapters.push(adapter);
      const objs = Object.entries(devices).map(([uid, role]) => {
        const obj = new model({ name: uid, role } as never);
        obj.modelFlags = flags[uid] ?? DiffSyncModelFlags.NONE;
        return obj;
      });
      await adapter.addMany([new Site({ name: 's', devices: [...linked] }), ...objs]);
    }
    return await work(adapters[0] as Adapter, adapters[1] as Adapter);
  } finally {
    for (const { store } of adapters) await store.close();
  }
}

const alike = { a: 'leaf', b: 'leaf', c: 'leaf' };

describe('a diff is the same whether encodings are compared first or not', () => {
  const { IGNORE, SKIP_UNMATCHED_DST } = DiffSyncModelFlags;
  it.each<[string, Sides, changed: string[], skipped: number]>([
    [
      'what is equal and what is not',
      { source: { devices: { ...alike, b: 'spine' } }, target: { devices: alike } },
      ['b'],
      0,
    ],
    [
      'flags, of equal objects too',
      {
        source: { devices: { ...alike, b: 'spine' }, flags: { a: IGNORE } },
        target: { devices: { ...alike, d: 'leaf' }, flags: { a: IGNORE, b: IGNORE, d: SKIP_UNMATCHED_DST } },
      },
      [],
      3,
    ],
    [
      'child lists',
      // The target has "a", unlisted: it is adopted by a link, which comes after the objects.
      { source: { devices: alike, linked: ['a', 'b'] }, target: { devices: alike, linked: ['b', 'c'] } },
      ['c', 'a'],
      0,
    ],
    [
      'two definitions of a model',
      { source: { devices: alike }, target: { devices: { ...alike, a: 'spine' } }, models: [Device, RoleOnly] },
      ['a'],
      0,
    ],
    [
      'an overridden getAttrs()',
      { source: { devices: alike }, target: { devices: alike }, models: [Counting, Counting] },
      ['a', 'b', 'c'],
      0,
    ],
    [
      'a `compare` function',
      {
        source: { devices: { ...alike, b: 'LEAF' } },
        target: { devices: { ...alike, c: 'spine' } },
        models: [Comparing, Comparing],
      },
      ['c'],
      0,
    ],
  ])('%s', async (_what, sides, changed, skipped) => {
    const results = [];
    for (const Store of [RedisStore, DecodingStore]) {
      asked = 0;
      const diff = await withSides(Store, sides, async (source, target) => target.diffFrom(source));
      results.push({ dict: diff.toDict(), summary: diff.summary(), text: diff.toString() });
    }
    const [first, second] = results;
    expect(first).toEqual(second);
    const found = (first?.dict['site'] as Record<string, { device?: object }> | undefined)?.['s']?.device ?? {};
    expect(Object.keys(found)).toEqual(changed);
    expect(first?.summary.skip).toBe(skipped);
  });
});

describe('a damaged record', () => {
  const damage = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await redis.set(key, '{"name":"a","role":}');
  };
  const sides: Sides = { source: { devices: alike }, target: { devices: alike } };

  it('on one side fails the diff with STORE_CORRUPT', async () => {
    await withSides(RedisStore, sides, async (source, target) => {
      await damage('diffsync:source:device:a');
      await expect(target.diffFrom(source)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    });
  });

  it('that both sides have is not decoded by the diff, and is an error when its values are read', async () => {
    await withSides(RedisStore, sides, async (source, target) => {
      await damage('diffsync:source:device:b', 'diffsync:target:device:b');
      const diff = await target.diffFrom(source);
      expect(diff.summary()['no-change']).toBe(4);
      const [, second] = diff.getChildren()[0]?.getChildren() ?? [];
      expect(() => second?.sourceAttrs).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }));
    });
  });
});
