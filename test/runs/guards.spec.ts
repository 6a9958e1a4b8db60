// The shapes in which sources fail: empty, half of a page, one model missing. Each text is what a person reads at night.
import { describe, expect, it } from '@jest/globals';
import {
  SyncRefused,
  SyncRunner,
  TooManyDeletes,
  ValueError,
  type Guards,
  type SyncRun,
  type SyncRunOptions,
} from '../../src/index.js';
import { Device, Interface, Inventory, Site } from '../fixtures/inventory.js';

/** Loads as many devices of one site as it has, each with one interface, from `first` on. */
class System extends Inventory {
  devices = 0;
  first = 0;
  withInterfaces = true;
  incomplete: string | undefined;
  role = '';

  override async load(): Promise<void> {
    if (this.incomplete !== undefined) this.markIncomplete('device', this.incomplete);
    const names = Array.from({ length: this.devices }, (_, at) => `d${String(this.first + at).padStart(3, '0')}`);
    if (names.length === 0) return;
    await this.add(new Site({ name: 'nyc', devices: names }));
    const interfaces = (name: string): string[] => (this.withInterfaces ? [`${name}e0`] : []);
    await this.addMany(names.map((name) => new Device({ name, role: this.role, interfaces: interfaces(name) })));
    await this.addMany(names.flatMap(interfaces).map((name) => new Interface({ name })));
  }
}

function system(name: string, devices: number): System {
  const adapter = new System({ name });
  adapter.devices = devices;
  return adapter;
}

/** A target that has as many devices, and a source that has others. */
function sides(target: number, source: number): { source: System; target: System } {
  return { source: system('network', source), target: system('cmdb', target) };
}

async function refused(options: SyncRunOptions): Promise<{ error: SyncRefused; run: SyncRun }> {
  const before = await counts(options.target as System);
  const error: unknown = await new SyncRunner().run(options).then(
    () => Promise.reject(new Error('the run was not refused')),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SyncRefused);
  // The first load of the target is no change that a guard stops.
  if (before.device !== undefined) expect(await counts(options.target as System)).toEqual(before);
  const { run } = error as SyncRefused;
  expect(run?.outcome).toBe('refused');
  expect(await new SyncRunner().history(options.target).get(run?.id ?? '')).toEqual(run);
  return { error: error as SyncRefused, run: run as SyncRun };
}

async function counts(adapter: System): Promise<Record<string, number>> {
  const models = await adapter.store.getAllModelNames();
  return Object.fromEntries(
    await Promise.all(models.map(async (model) => [model, await adapter.count(model)] as const)),
  );
}

describe('the guards of a run', () => {
  it('refuse a source without any object, and say how to go on', async () => {
    const { error, run } = await refused(sides(30, 0));
    expect(error.code).toBe('SYNC_SOURCE_EMPTY');
    expect(error.message).toBe(
      'network has no objects, and cmdb has 61: site nyc, device d000, device d001, device d002, device d003, device d004, ' +
        'device d005, device d006, device d007, device d008, …. Nothing was touched. Check whether network was read in full; if ' +
        'so, run again with guards: { emptySource: false, maxDeletePercent: 100 }, or make all other changes by onExceeded: ' +
        "'skip-deletes'",
    );
    expect(run.guards).toHaveLength(1);
    expect(run.guards[0]).toMatchObject({ at: 'sync', count: 61, of: 61, outcome: 'refused' });
    expect(run.changes).toBe(0);
  });

  it('refuse a page of which half is missing, by model, and name what would go', async () => {
    const { error, run } = await refused(sides(100, 40));
    expect(error).toBeInstanceOf(TooManyDeletes);
    expect(error.message).toBe(
      'The sync would delete 60 of 100 objects of device of cmdb (60 %), and maxDeletePercent is 50: device d040, device d041, ' +
        'device d042, device d043, device d044, device d045, device d046, device d047, device d048, device d049, …. Nothing was ' +
        'touched. Check whether network was read in full; if so, run again with guards: { perModel: { device: { maxDeletePercent: ' +
        "60 } } }, or make all other changes by onExceeded: 'skip-deletes'. Also found: SYNC_TOO_MANY_DELETES of interface",
    );
    expect(run.guards.map(({ model }) => model)).toEqual(['device', 'interface']);
  });

  it('refuse a source that lacks one model', async () => {
    const { source, target } = sides(30, 30);
    source.withInterfaces = false;
    const { error } = await refused({ source, target });
    expect(error.code).toBe('SYNC_SOURCE_EMPTY');
    expect(error.message).toBe(
      'network has no objects of interface, and cmdb has 30: interface d000e0, interface d001e0, interface d002e0, interface ' +
        'd003e0, interface d004e0, interface d005e0, interface d006e0, interface d007e0, interface d008e0, interface d009e0, …. ' +
        'Nothing was touched. Check whether network was read in full; if so, run again with guards: { perModel: { interface: { ' +
        "emptySource: false, maxDeletePercent: 100 } } }, or make all other changes by onExceeded: 'skip-deletes'",
    );
  });

  it('refuse a source that has lost most of what it had in its last good run', async () => {
    const { source, target } = sides(0, 100);
    const runner = new SyncRunner();
    await runner.run({ source, target });
    source.devices = 75;
    target.devices = 75;
    const error: unknown = await runner
      .run({ source, target, guards: { maxDeletePercent: false, baselineDropPercent: 20 } })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SYNC_BASELINE_DROP', run: { outcome: 'refused' } });
    expect((error as Error).message).toBe(
      'load of network has lost 25 of 100 objects of device since its last good run (25 %), and baselineDropPercent is 20: device ' +
        'd075, device d076, device d077, device d078, device d079, device d080, device d081, device d082, device d083, device ' +
        'd084, …. Nothing was touched. Check whether load of network was read in full; if so, run again with guards: { perModel: { ' +
        "device: { baselineDropPercent: 25 } } }, or make all other changes by onExceeded: 'skip-deletes'. Also found: " +
        'SYNC_BASELINE_DROP of interface',
    );
    // Neither the copy that others read nor the target has lost anything.
    expect([(await counts(source))['device'], (await counts(target))['device']]).toEqual([100, 100]);
  });

  it('refuse too many updates where there is a limit', async () => {
    const { source, target } = sides(40, 40);
    source.role = 'leaf';
    const { error } = await refused({ source, target, guards: { perModel: { device: { maxUpdatePercent: 10 } } } });
    expect(error.code).toBe('SYNC_TOO_MANY_UPDATES');
    expect(error.message).toBe(
      'The sync would update 40 of 40 objects of device of cmdb (100 %), and maxUpdatePercent is 10: device d000, device d001, ' +
        'device d002, device d003, device d004, device d005, device d006, device d007, device d008, device d009, …. Nothing was ' +
        'touched. Check whether network was read in full; if so, run again with guards: { perModel: { device: { maxUpdatePercent: ' +
        '100 } } }',
    );
  });

  it('leave small targets alone, and half of a larger one', async () => {
    for (const [had, has] of [
      [6, 0],
      [19, 10],
      [100, 50],
    ] as const) {
      const { source, target } = sides(had, has);
      const run = await new SyncRunner().run({ source, target });
      expect([run.outcome, run.guards]).toEqual(['succeeded', []]);
      expect((await counts(target))['device'] ?? 0).toBe(has);
    }
  });

  it('stop the reload of a copy that others read, before it is emptied', async () => {
    const { source, target } = sides(0, 100);
    const runner = new SyncRunner();
    await runner.run({ source, target });
    source.devices = 30;
    const error: unknown = await runner.run({ source, target, load: 'source' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SYNC_BASELINE_DROP' });
    const other = await runner
      .run({ source, target, load: 'source', guards: { baselineDropPercent: false } })
      .catch((thrown: unknown) => thrown);
    expect(other).toMatchObject({ code: 'SYNC_TOO_MANY_DELETES' });
    expect((other as Error).message).toMatch(
      /^The reload of network would delete 70 of 100 objects of device of network \(70 %\), and maxDeletePercent is 50: device d030,/,
    );
    expect((await counts(source))['device']).toBe(100);
    expect((await counts(target))['device']).toBe(100);
  });

  it('are asked by a dry run too, which keeps its plan, and by what applies it', async () => {
    const { source, target } = sides(100, 40);
    const runner = new SyncRunner();
    const { run } = await refused({ source, target, dryRun: true });
    expect(run).toMatchObject({ kind: 'dry-run', outcome: 'refused', changes: 120 });
    await expect(runner.apply(run.id, { source, target, load: 'none' })).rejects.toMatchObject({
      code: 'SYNC_TOO_MANY_DELETES',
    });
    const applied = await runner.apply(run.id, { source, target, load: 'none', guards: { maxDeletePercent: 60 } });
    expect(applied.outcome).toBe('succeeded');
    expect((await counts(target))['device']).toBe(40);
  });

  it('are set by model, and switched off', async () => {
    const run = (guards: Guards | false): Promise<SyncRun> => new SyncRunner().run({ ...sides(100, 40), guards });
    const both = { device: { maxDeletePercent: 60 }, interface: false } as const;
    expect((await run({ perModel: both, maxDeletePercent: 70 })).guards).toEqual([]);
    expect((await run(false)).guards).toEqual([]);
    await expect(run({ perModel: { ...both, device: { maxDeletePercent: 59 } } })).rejects.toThrow(
      'maxDeletePercent is 59',
    );
  });

  it('skip the deletes of the models that they stop, and make all other changes', async () => {
    const { source, target } = sides(100, 100);
    source.withInterfaces = false;
    source.first = 10;
    const runner = new SyncRunner();
    const run = await runner.run({ source, target, verify: true, guards: { onExceeded: 'skip-deletes' } });
    expect(run).toMatchObject({ outcome: 'succeeded', unsettled: 0, results: { done: 10, leftOut: 110, failed: 0 } });
    expect(run.guards).toMatchObject([{ code: 'SYNC_SOURCE_EMPTY', model: 'interface', outcome: 'deletes-skipped' }]);
    expect(run.guards[0]?.message).toMatch(/\. These deletes were skipped, and all other changes made$/);
    // The devices that are gone keep their interfaces, and stay with them.
    expect(await counts(target)).toEqual({ site: 1, device: 110, interface: 100 });
    const leftOut = [];
    for await (const change of runner.history(target).changes(run.id, { results: ['left-out'] })) leftOut.push(change);
    expect(leftOut).toHaveLength(110);
    expect(leftOut[0]?.message).toBe('Left out: a guard has stopped these deletes');
  });

  it('delete nothing of a model that load has marked as incomplete, nor what is above or below it', async () => {
    const { source, target } = sides(60, 10);
    source.incomplete = 'page 2 answered 502';
    const run = await new SyncRunner().run({ source, target, verify: true });
    expect(run).toMatchObject({ outcome: 'succeeded', guards: [], unsettled: 0, results: { leftOut: 100 } });
    expect(run.incomplete).toEqual([{ side: 'source', model: 'device', reason: 'page 2 answered 502' }]);
    expect(await counts(target)).toEqual({ site: 1, device: 60, interface: 60 });
    // A reload keeps them too, with their places in the lists.
    source.incomplete = undefined;
    source.devices = 60;
    await new SyncRunner().run({ source, target });
    source.incomplete = 'page 1 timed out';
    source.devices = 5;
    await new SyncRunner().run({ source, target });
    expect(await counts(source)).toEqual({ site: 1, device: 60, interface: 60 });
    expect((await source.get(Site, 'nyc')).devices).toHaveLength(60);
    expect(await counts(target)).toEqual({ site: 1, device: 60, interface: 60 });
  });

  it('are unknown to plain syncs', async () => {
    const { source, target } = sides(100, 0);
    await Promise.all([source.load(), target.load()]);
    await target.syncFrom(source);
    expect(await counts(target)).toEqual({});
  });

  it.each([
    [{ maxDeletePercent: -1 }, 'guards: maxDeletePercent is -1: a number of per cent from 0 on, or false'],
    [{ maxDelete: 1 }, /^guards: there is no guard "maxDelete": maxDeletePercent, /],
    [{ minObjects: 'few' }, 'guards: minObjects is few: a number of objects from 0 on'],
    [{ emptySource: true }, 'guards: emptySource is true: it is "refuse" or false'],
    [{ onExceeded: 'warn' }, 'guards: onExceeded is warn: it is "refuse" or "skip-deletes"'],
    [{ perModel: { rack: false } }, 'guards: perModel: neither adapter has a model "rack"'],
  ])('that are wrong are refused before anything is done: %j', async (guards, message) => {
    const run = new SyncRunner().run({ ...sides(1, 1), guards: guards as Guards });
    await expect(run).rejects.toThrow(ValueError);
    await expect(run).rejects.toThrow(message);
  });
});
