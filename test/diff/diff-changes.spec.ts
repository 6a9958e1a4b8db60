import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { z } from 'zod';
import { Adapter, Diff, DiffElement, DiffSyncModel, type DiffChange } from '../../src/index.js';
import { Device, fill, Inventory, Site } from '../fixtures/inventory.js';
import { plant, treePairs } from '../support/random-trees.js';

async function sides(source: Parameters<typeof fill>[1], target: Parameters<typeof fill>[1]): Promise<Adapter[]> {
  const adapters = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
  await fill(adapters[0] as Adapter, source);
  await fill(adapters[1] as Adapter, target);
  return adapters;
}

const nyc = { model: 'site', uid: 'nyc' };

describe('changes()', () => {
  it('yields creates, updates and deletes with what they change, each below its parents', async () => {
    const [source, target] = (await sides({ nyc: { d1: ['e0'], d2: [] } }, { nyc: { d1: [], d3: ['e9'] } })) as [
      Adapter,
      Adapter,
    ];
    await source.update(new Device({ name: 'd1', role: 'spine', interfaces: ['e0'] }));
    const d1 = { model: 'device', uid: 'd1' };
    const d3 = { model: 'device', uid: 'd3' };
    expect([...(await target.diffFrom(source)).changes()]).toEqual([
      { ...d1, action: 'update', parents: [nyc], moves: false, old: { role: '' }, new: { role: 'spine' } },
      {
        model: 'interface',
        uid: 'e0',
        action: 'create',
        parents: [nyc, d1],
        moves: false,
        old: null,
        new: { mtu: 1500 },
      },
      { model: 'device', uid: 'd2', action: 'create', parents: [nyc], moves: false, old: null, new: { role: '' } },
      { ...d3, action: 'delete', parents: [nyc], moves: false, old: { role: '' }, new: null },
      {
        model: 'interface',
        uid: 'e9',
        action: 'delete',
        parents: [nyc, d3],
        moves: false,
        old: { mtu: 1500 },
        new: null,
      },
    ] satisfies DiffChange[]);
  });

  it('yields a link that only one side has, and both halves of a move', async () => {
    const [source, target] = (await sides(
      { nyc: { d1: ['e0'], d2: ['e0'] }, sfo: { d3: ['e1'] } },
      { nyc: { d1: ['e0'], d2: ['e1'] }, sfo: { d3: [] } },
    )) as [Adapter, Adapter];
    const found = [...(await target.diffFrom(source)).changes()];
    expect(
      found.map(({ action, model, uid, parents, moves }) => [action, model, uid, parents.at(-1)?.uid, moves]),
    ).toEqual([
      ['delete', 'interface', 'e1', 'd2', true],
      ['link', 'interface', 'e0', 'd2', false],
      ['create', 'interface', 'e1', 'd3', true],
    ]);
    const back = [...(await source.diffFrom(target)).changes()];
    expect(back.find(({ action }) => action === 'unlink')).toEqual({
      action: 'unlink',
      model: 'interface',
      uid: 'e0',
      parents: [nyc, { model: 'device', uid: 'd2' }],
      moves: false,
      old: null,
      new: null,
    });
  });

  it('yields the unique id where the name is a shorter one, also of a loaded plan', async () => {
    const port = DiffSyncModel.define({
      name: 'port',
      schema: z.object({ host: z.string(), name: z.string() }),
      identifiers: ['host', 'name'],
      shortname: ['name'],
    });
    const host = DiffSyncModel.define({
      name: 'host',
      schema: z.object({ name: z.string(), ports: z.array(z.string()) }),
      identifiers: ['name'],
      children: { port: 'ports' },
    });
    class Hosts extends Adapter {
      static override readonly models = [host, port];
      static override readonly topLevel = ['host'];
    }
    const [source, target] = [new Hosts({ name: 'source' }), new Hosts({ name: 'target' })];
    for (const name of ['r1', 'r2']) {
      await source.addMany([new port({ host: name, name: 'e0' }), new host({ name, ports: [`${name}__e0`] })]);
      await target.add(new host({ name, ports: [] }));
    }
    const diff = await target.diffFrom(source);
    const plan = Diff.fromJSON(JSON.parse(JSON.stringify(diff)), { target });
    for (const each of [diff, plan]) {
      expect([...each.changes()].map(({ uid, parents }) => [uid, parents.at(-1)?.uid])).toEqual([
        ['r1__e0', 'r1'],
        ['r2__e0', 'r2'],
      ]);
    }
  });

  it('of elements that no comparison has made has their names, and finds no moves by them', () => {
    const diff = new Diff();
    for (const [above, side] of [
      ['a', 'source'],
      ['b', 'dest'],
    ] as const) {
      const parent = new DiffElement('site', above, { name: above });
      const child = new DiffElement('device', 'd', { name: 'd' });
      child.addAttrs({ [side]: { role: 'x' } });
      parent.addChild(child);
      diff.add(parent);
    }
    expect([...diff.changes()].map(({ uid, moves }) => [uid, moves])).toEqual([
      ['d', false],
      ['d', false],
    ]);
  });

  it('yields as many changes as the summary counts, the same from a plan and from the asynchronous form', async () => {
    await fc.assert(
      fc.asyncProperty(treePairs, async (pair) => {
        const [source, target] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
        await plant(source, pair.source);
        await plant(target, pair.target);
        const diff = await target.diffFrom(source);
        const found = [...diff.changes()];
        const counts = { create: 0, update: 0, delete: 0 };
        for (const { action } of found) {
          counts[action === 'link' ? 'create' : action === 'unlink' ? 'delete' : action]++;
        }
        expect(diff.summary()).toMatchObject(counts);
        const slowly: DiffChange[] = [];
        for await (const change of diff.changesAsync()) slowly.push(change);
        expect(slowly).toEqual(found);
        expect([...Diff.fromJSON(JSON.parse(JSON.stringify(diff)), { target }).changes()]).toEqual(found);
        const moved = (wanted: string): string[] =>
          found.flatMap(({ action, model, uid, moves }) => (moves && action === wanted ? `${model} ${uid}` : []));
        expect(moved('create').toSorted()).toEqual(moved('delete').toSorted());
      }),
    );
  });
});

describe('the attributes of a change', () => {
  it('are copies: changing them does not change the diff', async () => {
    const source = new Inventory({ name: 'source' });
    await source.add(new Site({ name: 'nyc', region: 'us' }));
    const diff = await new Inventory({ name: 'target' }).diffFrom(source);
    for (const change of diff.changes()) Object.assign(change.new ?? {}, { region: 'changed' });
    expect([...diff.changes()]).toMatchObject([{ new: { region: 'us' } }]);
  });
});
