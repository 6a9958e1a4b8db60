import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { move } from '../../examples/readme/src/move.js';
import {
  CopyConflict,
  CopyException,
  copyStore,
  DiffSyncModel,
  DiffSyncModelFlags,
  LocalStore,
  type BaseStore,
  type CopyStoreOptions,
  type ModelRecord,
} from '../../src/index.js';
import { RedisStore } from '../../src/store/redis/index.js';
import { startRedis } from '../support/redis-server.js';
import { stores } from '../support/stores.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), value: z.unknown(), ports: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['value'],
  children: { port: 'ports' },
}) {}

class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

const VALUES: readonly unknown[] = [
  new Date(0),
  1n,
  new Map([['b', new Set([1])]]),
  Number.NaN,
  undefined,
  { z: 1, a: 2 },
];

/** In no order but this one. */
function inventory(count = 130): DiffSyncModel[] {
  const devices = Array.from({ length: count }, (_, at) => {
    const device = new Device({ name: `r${(at * 37) % 1009}`, value: VALUES[at % VALUES.length], ports: [`p${at}`] });
    if (at % 10 === 0) device.modelFlags = DiffSyncModelFlags.IGNORE;
    return device;
  });
  return [new Port({ name: 'a:b*\u0000' }), ...devices, new Port({ name: '' })];
}

async function contents(store: BaseStore): Promise<unknown[]> {
  const all = [...(await store.getAll({ model: Device })), ...(await store.getAll({ model: Port }))];
  return all.map((obj) => [obj.getType(), obj.toDict(), obj.modelFlags]);
}

async function names(store: BaseStore): Promise<string[]> {
  return (await store.getAll({ model: Device })).map(({ name }) => name);
}

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  jest.restoreAllMocks();
  for (const close of closing.splice(0).toReversed()) await close();
});

async function open(name: string, objs: readonly DiffSyncModel[] = []): Promise<BaseStore> {
  const kind = stores.find((each) => each.name === name);
  if (kind === undefined) throw new Error(`there is no store "${name}"`);
  const store = await kind.open();
  closing.push(() => kind.close(store));
  await store.addMany({ objs });
  return store;
}

/** An error, of which code and text are told. */
async function failure(copy: Promise<unknown>): Promise<{ code: string; message: string; error: unknown }> {
  const error: unknown = await copy.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('it did not fail');
  return { code: String((error as { code?: unknown }).code), message: error.message, error };
}

const pairs = stores.flatMap((from) => stores.map((to) => [from.name, to.name] as const));
const devices = (...given: string[]): Device[] => given.map((name) => new Device({ name, value: name }));

describe('copyStore()', () => {
  it.each(pairs)('from %s into %s keeps objects, order, values and flags', async (from, to) => {
    const [source, target] = [await open(from, inventory()), await open(to)];
    const before = await contents(source);
    const result = await copyStore(source, target, { batchSize: 50 });
    expect(result).toMatchObject({ objects: 132, copied: 132 });
    expect(result.models.map(({ model, objects, copied }) => [model, objects, copied])).toEqual([
      ['device', 130, 130],
      ['port', 2, 2],
    ]);
    // The same in every engine.
    expect(result.models.map(({ digest }) => digest.slice(0, 8))).toEqual(['e512fc94', '852f385b']);
    expect(await contents(target)).toEqual(before);
    expect(await contents(source)).toEqual(before);
    expect(await copyStore(source, target)).toMatchObject({ objects: 132, copied: 0 });
  });

  it.each(stores.map(({ name }) => name))('into %s leaves equal values in another order as they are', async (to) => {
    const valued = (value: unknown): Device => new Device({ name: 'a', value });
    const one = valued({
      tags: new Set(['x', 'y']),
      by: new Map([['k', 1] as const, ['l', 2] as const]),
      none: undefined,
    });
    const two = valued({ by: new Map([['l', 2] as const, ['k', 1] as const]), tags: new Set(['y', 'x']) });
    const [source, target] = [await open('local', [one]), await open(to, [two])];
    await target.add({ obj: one }); // Equal: nothing happens.
    for (const onConflict of ['error', 'keep', 'overwrite'] as const) {
      expect(await copyStore(source, target, { onConflict })).toMatchObject({
        objects: 1,
        copied: 0,
        models: [{ model: 'device', conflicts: 0 }],
      });
    }
    expect((await target.get({ model: Device, identifier: 'a' })).value).toEqual(two.value);
  });

  it.each(stores.map(({ name }) => name))('into %s, aborted half-way, goes on where it was', async (to) => {
    const [source, target] = [await open('local', inventory()), await open(to)];
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = (_: string, current: number): void => {
      if (current >= 60) controller.abort(reason);
    };
    const { code, message, error } = await failure(
      copyStore(source, target, { batchSize: 20, signal: controller.signal, onProgress }),
    );
    expect(code).toBe('COPY_ABORTED');
    expect(message).toContain('60 of 132');
    expect((error as Error).cause).toBe(reason);
    const all = await names(source);
    expect(await names(target)).toEqual(all.slice(0, 60));
    expect(await copyStore(source, target, { batchSize: 50 })).toMatchObject({ objects: 132, copied: 72 });
    expect(await contents(target)).toEqual(await contents(source));
  });

  it('aborted beforehand writes nothing', async () => {
    const [source, target] = [await open('local', inventory()), await open('local')];
    const { code } = await failure(copyStore(source, target, { signal: AbortSignal.abort() }));
    expect([code, await target.count()]).toEqual(['COPY_ABORTED', 0]);
  });

  it('tells its progress, which never falls and ends at the total of each stage', async () => {
    const [source, target] = [await open('local', inventory()), await open('local')];
    const told: unknown[] = [];
    await copyStore(source, target, { batchSize: 50, onProgress: (...progress) => told.push(progress) });
    const counts = [50, 100, 130, 132];
    expect(told).toEqual(['copy', 'verify'].flatMap((stage) => counts.map((current) => [stage, current, 132])));
  });

  it('copies what no class is registered for, into a store that registers it later', async () => {
    const source = await open('redis', devices('b', 'a'));
    const [reader, target] = [source.scope({ storeId: String(source.storeId) }), await open('local')];
    await reader.open();
    closing.push(() => reader.close());
    await copyStore(reader, target);
    expect(await names(target)).toEqual(['b', 'a']);
  });

  it('copies child links made just before', async () => {
    const [source, target] = [await open('local'), await open('local')];
    const host = { type: 'Host', name: 'host', getOrNone: async () => null };
    source.bindAdapter(host, [Device, Port], source.logger);
    const [device] = devices('r1') as [Device];
    await source.add({ obj: device });
    device.addChild(new Port({ name: 'e0' }));
    await copyStore(source, target);
    expect((await target.get({ model: Device, identifier: 'r1' })).ports).toEqual(['e0']);
  });

  it('reads on only when what it has read is written, and lets others work in between', async () => {
    let [read, most, turns] = [0, 0, 0];
    class Watched extends LocalStore {
      protected override async *scanRecords(model: string, size: number): AsyncGenerator<ModelRecord[]> {
        for await (const page of super.scanRecords(model, size)) {
          read += page.length;
          yield page;
        }
      }
    }
    const source = new Watched();
    await source.addMany({ objs: inventory(1000) });
    const target = new LocalStore();
    let running = true;
    const turn = (): void => {
      turns++;
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    const onProgress = (stage: string, current: number): void => {
      if (stage === 'copy') most = Math.max(most, read - current);
    };
    await copyStore(source, target, { batchSize: 10, onProgress });
    running = false;
    expect([read, most]).toEqual([1002, 0]);
    expect(turns).toBeGreaterThan(100);
  });

  it.each(stores.map(({ name }) => name))(
    'into %s with a different object there writes nothing, and names it',
    async (to) => {
      const source = await open('local', [...devices('a', 'b', 'c'), new Port({ name: 'z' })]);
      const target = await open(to, [...devices('a'), new Device({ name: 'b', value: 'other' })]);
      const { code, message, error } = await failure(copyStore(source, target));
      expect(code).toBe('COPY_CONFLICT');
      expect(error).toBeInstanceOf(CopyException);
      expect(error).toMatchObject({ model: 'device', uniqueId: 'b' });
      for (const text of ['"b"', String(source), String(target), 'onConflict']) expect(message).toContain(text);
      expect(await target.count()).toBe(2);
      expect((await target.get({ model: Device, identifier: 'b' })).value).toBe('other');
    },
  );

  it.each<[string, string[], string, string]>([
    ['holds an object that the source has not', ['a', 'x'], 'x', '"b" comes next'],
    ['holds one more than the source', ['a', 'b', 'c', 'x'], 'x', 'there is no more of them'],
    ['lacks one in the middle', ['a', 'c'], 'c', '"b" comes next'],
    ['has them in another order', ['b', 'a'], 'b', '"a" comes next'],
  ])('into a store that %s writes nothing, unless it is told to merge', async (_, there, uniqueId, due) => {
    const source = await open('local', [new Port({ name: 'z' }), ...devices('a', 'b', 'c')]);
    const target = await open('local', devices(...there));
    const { error, message } = await failure(copyStore(source, target));
    expect(error).toBeInstanceOf(CopyConflict);
    expect(error).toMatchObject({ model: 'device', uniqueId });
    expect(message).toContain(due);
    expect(await target.getAllModelNames()).toEqual(['device']);
    const { models } = await copyStore(source, target, { onConflict: 'keep' });
    const added = ['a', 'b', 'c'].filter((name) => !there.includes(name));
    expect(models[0]).toMatchObject({ model: 'device', objects: 3, copied: added.length, conflicts: 0 });
    expect(await names(target)).toEqual([...there, ...added]);
  });

  it.each(stores.map(({ name }) => name))(
    'into %s keeps or overwrites different objects, as it is told',
    async (to) => {
      const source = await open('local', devices('a', 'b', 'c'));
      const mine = new Device({ name: 'b', value: 'mine' });
      const [keeping, overwriting] = [await open(to, [mine]), await open(to, [mine])];
      const kept = await copyStore(source, keeping, { onConflict: 'keep', batchSize: 2 });
      const overwritten = await copyStore(source, overwriting, { onConflict: 'overwrite', batchSize: 2 });
      expect(kept.models[0]).toMatchObject({ objects: 3, copied: 2, conflicts: 1 });
      expect(overwritten.models[0]).toMatchObject({ objects: 3, copied: 3, conflicts: 1 });
      expect(kept.models[0]?.digest).not.toBe(overwritten.models[0]?.digest);
      const values = async (store: BaseStore): Promise<unknown[]> =>
        (await store.getAll({ model: Device })).map(({ value }) => value);
      expect(await values(keeping)).toEqual(['mine', 'a', 'c']);
      expect(await values(overwriting)).toEqual(['b', 'a', 'c']);
      expect(await copyStore(source, overwriting, { onConflict: 'keep' })).toMatchObject({ copied: 0 });
    },
  );

  it('gives the target records of its own, which it may change', async () => {
    class Keeps extends LocalStore {
      protected override async insertRecords(
        model: string,
        records: readonly ModelRecord[],
      ): Promise<(ModelRecord | undefined)[]> {
        const there = await super.insertRecords(model, records);
        for (const { data } of records) (data as Record<string, unknown>)['value'] = 'changed';
        return there;
      }
    }
    const source = await open('local', devices('a'));
    expect((await failure(copyStore(source, new Keeps()))).code).toBe('COPY_MISMATCH');
    expect((await source.get({ model: Device, identifier: 'a' })).value).toBe('a');
  });

  it('leaves models alone that only the target has', async () => {
    const source = await open('local', devices('a'));
    const target = await open('local', [new Port({ name: 'p' })]);
    await copyStore(source, target);
    expect(await target.getAllModelNames()).toEqual(['device', 'port']);
  });

  it.each<CopyStoreOptions['onConflict'] | undefined>([undefined, 'keep', 'overwrite'])(
    'tells a target that does not hold what it was given (onConflict %s)',
    async (onConflict) => {
      class Loses extends LocalStore {
        protected override async insertRecords(
          model: string,
          records: readonly ModelRecord[],
        ): Promise<(ModelRecord | undefined)[]> {
          await super.insertRecords(model, records.slice(1));
          return records.map(() => undefined);
        }
      }
      const source = await open('local', devices('a', 'b'));
      const { code, message } = await failure(copyStore(source, new Loses(), { onConflict }));
      expect(code).toBe('COPY_MISMATCH');
      expect(message).toMatch(/^Loses holds of device 1 objects with the digest [0-9a-f]{64}, where 2 objects/);
    },
  );

  it('tells a target that changes a value or the order', async () => {
    class Turns extends LocalStore {
      protected override async insertRecords(model: string, records: readonly ModelRecord[]): Promise<undefined[]> {
        await super.insertRecords(model, records.toReversed());
        return records.map(() => undefined);
      }
    }
    class Drops extends LocalStore {
      protected override async insertRecords(model: string, records: readonly ModelRecord[]): Promise<undefined[]> {
        await super.insertRecords(
          model,
          records.map(({ uid, data }) => ({ uid, data })),
        );
        return records.map(() => undefined);
      }
    }
    const objs = devices('a', 'b');
    for (const obj of objs) obj.modelFlags = DiffSyncModelFlags.IGNORE;
    const source = await open('local', objs);
    for (const target of [new Turns(), new Drops()])
      expect((await failure(copyStore(source, target))).code).toBe('COPY_MISMATCH');
  });

  it('of a damaged source fails with STORE_CORRUPT, and keeps what it had copied', async () => {
    const server = await startRedis();
    closing.push(() => server.stop());
    const source = await RedisStore.connect({ url: server.url, storeId: 'damaged' });
    closing.push(() => source.close());
    await source.addMany({ objs: devices('a', 'b', 'c', 'd', 'e') });
    const client = new Redis(server.url);
    closing.push(() => client.quit());
    await client.set('diffsync:damaged:device:d', '{"name":"d"');
    const target = await open('local');
    const { code, message } = await failure(copyStore(source, target, { batchSize: 2 }));
    expect(code).toBe('STORE_CORRUPT');
    expect(message).toContain('"d"');
    expect(await names(target)).toEqual(['a', 'b']);
    await client.set('diffsync:damaged:device:d', '{"name":"d","value":"d","ports":[]}');
    expect(await copyStore(source, target, { batchSize: 2 })).toMatchObject({ objects: 5, copied: 3 });
  });

  it('of a killed process has left whole batches, and goes on where it was', async () => {
    const server = await startRedis();
    closing.push(() => server.stop());
    const library = new URL('../../dist/', import.meta.url);
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { copyStore, LocalStore } from '${library.href}index.js';
         import { RedisStore } from '${library.href}store/redis/index.js';
         import { insertAsIs } from '${library.href}store/engine-access.js';
         const source = new LocalStore();
         await insertAsIs(source, 'device', Array.from({ length: 50_000 }, (_, at) =>
           ({ uid: 'r' + at, data: { name: 'r' + at, value: at, ports: [] } })));
         const target = await RedisStore.connect({ url: process.argv[1], storeId: 'moved' });
         await copyStore(source, target, { batchSize: 100, onProgress: (_, current) => console.log(current) });`,
        server.url,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], cwd: fileURLToPath(library) },
    );
    const exited = once(child, 'exit');
    await Promise.race([once(child.stdout, 'data'), exited]);
    child.kill('SIGKILL');
    expect(await exited).toEqual([null, 'SIGKILL']);
    const target = await RedisStore.connect({ url: server.url, storeId: 'moved' });
    closing.push(() => target.close());
    const left = await target.count();
    expect([left > 0, left < 50_000, left % 100]).toEqual([true, true, 0]);
    const source = new LocalStore();
    const total = left + 250;
    const rest = Array.from({ length: total }, (_, at) => new Device({ name: `r${at}`, value: at }));
    await source.addMany({ objs: rest });
    expect(await copyStore(source, target)).toMatchObject({ objects: total, copied: 250 });
  });

  it('refuses wrong options, and a store as its own target', async () => {
    const [source, target] = [await open('redis'), await open('local')];
    const wrong: unknown[] = [
      { batchSize: 0 },
      { batchSize: 1.5 },
      { onConflict: 'merge' },
      { onProgres: () => undefined },
    ];
    for (const options of [...wrong, { signal: {} }, { onProgress: 7 }])
      expect(await failure(copyStore(source, target, options as CopyStoreOptions))).toMatchObject({
        code: 'VALUE_ERROR',
        message: expect.stringMatching(/^copyStore: (batchSize|onConflict|onProgres|signal)/) as unknown,
      });
    const twin = source.scope({ storeId: String(source.storeId) });
    await twin.open();
    closing.push(() => twin.close());
    for (const itself of [source, twin]) expect((await failure(copyStore(source, itself))).code).toBe('VALUE_ERROR');
  });

  it('needs both stores open', async () => {
    const [source, closed] = [await open('local', devices('a')), await open('local')];
    await closed.close();
    expect((await failure(copyStore(source, closed))).code).toBe('STORE_CLOSED');
    expect((await failure(copyStore(closed, source))).code).toBe('STORE_CLOSED');
  });

  it('is shown in docs/moving-data.md as it runs', async () => {
    const doc = readFileSync(new URL('../../docs/moving-data.md', import.meta.url), 'utf8');
    const [, path = '', code] = /<!-- (\S+) -->\n\n```ts\n(.*?)```/s.exec(doc) ?? [];
    expect(code).toBe(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
    const printed: unknown[][] = [];
    jest.spyOn(console, 'log').mockImplementation((...line) => void printed.push(line));
    jest.spyOn(console, 'error').mockImplementation((...line) => void printed.push(line));
    await move(await open('local', devices('a')), await open('local'));
    expect(printed).toEqual([['copy 1/1'], ['verify 1/1'], ['device', 1, 1, expect.stringMatching(/^[0-9a-f]{64}$/)]]);
  });
});
