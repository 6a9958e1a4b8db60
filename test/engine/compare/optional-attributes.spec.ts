// What an object does not have is `undefined`: an attribute of one side alone is a difference, and a sync settles it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, Diff, DiffSyncModel, type BaseStore, type SyncOptions } from '../../../src/index.js';
import { elementsOf } from '../../support/random-trees.js';
import { engineStores } from '../../support/stores.js';

const updates: unknown[] = [];

class DeviceType extends DiffSyncModel.define({
  name: 'devicetype',
  schema: z.object({
    slug: z.string(),
    airflow: z.string().nullish(),
    depth: z.unknown().optional(),
    note: z.unknown(),
  }),
  identifiers: ['slug'],
  attributes: ['airflow', 'depth'],
}) {
  override update(attrs: { airflow?: string | null | undefined; depth?: unknown }) {
    updates.push(attrs);
    return super.update(attrs);
  }
}

class Library extends Adapter {
  static override readonly models = [DeviceType];
  static override readonly topLevel = ['devicetype'];
}

type Fields = { airflow?: string | null | undefined; depth?: unknown };

/** Of an object of the source and one of the target: what differs, if anything. */
const cases: readonly (readonly [title: string, source: Fields, target: Fields, minus?: Fields, plus?: Fields])[] = [
  ['set in the source alone', { airflow: 'x' }, {}, { airflow: undefined }, { airflow: 'x' }],
  ['set in the target alone', {}, { airflow: 'x' }, { airflow: 'x' }, { airflow: undefined }],
  [
    'undefined in the source, set in the target',
    { airflow: undefined },
    { airflow: 'x' },
    { airflow: 'x' },
    { airflow: undefined },
  ],
  ['null in the source, absent in the target', { airflow: null }, {}, { airflow: undefined }, { airflow: null }],
  ['absent in the source, null in the target', {}, { airflow: null }, { airflow: null }, { airflow: undefined }],
  [
    'null in the source, undefined in the target',
    { airflow: null },
    { airflow: undefined },
    { airflow: undefined },
    { airflow: null },
  ],
  ['empty in the source, absent in the target', { airflow: '' }, {}, { airflow: undefined }, { airflow: '' }],
  ['undefined in the source, absent in the target', { airflow: undefined }, {}],
  ['absent in the source, undefined in the target', {}, { airflow: undefined }],
  ['null on both sides', { airflow: null }, { airflow: null }],
  ['absent on both sides', {}, {}],
  [
    'an object whose key is undefined, and one without the key',
    { depth: { a: [{ b: undefined }] } },
    { depth: { a: [{}] } },
  ],
  ['a list with a gap, and one without', { depth: [undefined] }, { depth: [] }, { depth: [] }, { depth: [undefined] }],
  ['a key that is null, and no key', { depth: { a: null } }, { depth: {} }, { depth: {} }, { depth: { a: null } }],
];

describe.each(engineStores)('attributes that one side does not have, on the $name store', ({ open, close }) => {
  async function withSides(
    source: Fields,
    target: Fields,
    work: (from: Library, to: Library) => Promise<void>,
  ): Promise<void> {
    const opened: BaseStore[] = [];
    try {
      for (let side = 0; side < 2; side++) opened.push(await open());
      const [from, to] = opened.map((store, at) => new Library({ name: at === 0 ? 'published' : 'mine', store })) as [
        Library,
        Library,
      ];
      // `note` is no attribute; the stored texts differ by it, so that no shortcut over equal texts applies.
      await from.add(new DeviceType({ slug: 'mx480', note: 1, ...structuredClone(source) }));
      await to.add(new DeviceType({ slug: 'mx480', note: 2, ...structuredClone(target) }));
      updates.length = 0;
      await work(from, to);
    } finally {
      for (const store of opened) await close(store);
    }
  }

  it.each(cases.map((each) => [each[0], each] as const))('%s', async (_title, [, source, target, minus, plus]) => {
    await withSides(source, target, async (from, to) => {
      const diff = await to.diffFrom(from);
      const [element] = elementsOf(diff);
      const differs = minus !== undefined;
      expect(element?.getAttrsKeys().toSorted()).toEqual(['airflow', 'depth']);
      expect(element?.getAttrsDiffs()).toStrictEqual({ '-': minus ?? {}, '+': plus ?? {} });
      expect(diff.summary()).toMatchObject({ update: differs ? 1 : 0, 'no-change': differs ? 0 : 1, skip: 0 });
      expect(diff.toDict()).toStrictEqual(differs ? { devicetype: { mx480: { '-': minus, '+': plus } } } : {});
      expect(diff.toString() === '(no diffs)').toBe(!differs);

      const plan = Diff.fromJSON(JSON.parse(JSON.stringify(diff)), { target: to });
      expect(plan.toDict()).toStrictEqual(diff.toDict());
      expect((await to.syncFrom(from, { diff: plan, verify: true })).unsettled).toBeUndefined();
      expect(updates).toStrictEqual(differs ? [plus] : []);
      const [ours, theirs] = [await to.get(DeviceType, 'mx480'), await from.get(DeviceType, 'mx480')];
      if (differs) expect([ours.airflow, ours.depth]).toEqual([theirs.airflow, theirs.depth]);
      expect(ours.note).toBe(2);
      expect((await to.diffFrom(from)).hasDiffs()).toBe(false);
    });
  });

  it.each<[string, SyncOptions]>([
    ['syncAttrs without it', { syncAttrs: { devicetype: ['depth'] } }],
    ['excludeAttrs with it', { excludeAttrs: { devicetype: ['airflow'] } }],
  ])('%s leaves it out', async (_title, options) => {
    await withSides({ airflow: 'x', depth: 1 }, {}, async (from, to) => {
      await to.syncFrom(from, options);
      expect(updates).toStrictEqual([{ depth: 1 }]);
      expect((await to.get(DeviceType, 'mx480')).toDict()).toEqual({ slug: 'mx480', depth: 1, note: 2 });
      expect((await to.diffFrom(from, options)).hasDiffs()).toBe(false);
    });
  });
});

it('an attribute that only one side declares is not compared', async () => {
  class Short extends DiffSyncModel.define({
    name: 'devicetype',
    schema: z.object({ slug: z.string(), airflow: z.string().optional(), depth: z.unknown().optional() }),
    identifiers: ['slug'],
    attributes: ['airflow'],
  }) {}
  class Shorter extends Adapter {
    static override readonly models = [Short];
    static override readonly topLevel = ['devicetype'];
  }
  const [from, to] = [new Shorter({ name: 'short' }), new Library({ name: 'long' })];
  await from.add(new Short({ slug: 'mx480', airflow: 'x', depth: 1 }));
  await to.add(new DeviceType({ slug: 'mx480', depth: 2, note: 1 }));
  updates.length = 0;
  const diff = await to.syncFrom(from);
  expect(elementsOf(diff)[0]?.getAttrsKeys()).toEqual(['airflow']);
  expect(updates).toStrictEqual([{ airflow: 'x' }]);
  expect((await to.get(DeviceType, 'mx480')).toDict()).toEqual({ slug: 'mx480', airflow: 'x', depth: 2, note: 1 });
});

it('the REST hook of docs/diff-and-sync.md sends null for an attribute that is cleared', async () => {
  const requests: unknown[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push([request.method, request.url, JSON.parse(Buffer.concat(chunks).toString())]);
      response.end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    process.env['INVENTORY_URL'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { RestDevice } = await import('../../../examples/readme/src/rest-device.js');
    class Devices extends Adapter {
      static override readonly models = [RestDevice];
      static override readonly topLevel = ['device'];
    }
    const [from, to] = [new Devices({ name: 'from' }), new Devices({ name: 'to' })];
    await from.add(new RestDevice({ name: 'r1', role: 'leaf' }));
    await to.add(new RestDevice({ name: 'r1', serial: 'SN1' }));
    await to.syncFrom(from);
    expect(requests).toEqual([['PATCH', '/devices/r1', { role: 'leaf', serial: null }]]);
    expect((await to.diffFrom(from)).hasDiffs()).toBe(false);
  } finally {
    delete process.env['INVENTORY_URL'];
    server.closeAllConnections();
    server.close();
  }
});
