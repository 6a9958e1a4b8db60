// Runs on every store: what they do, what their history says, and that plain syncs are as they were.
import { describe, expect, it } from '@jest/globals';
import { SyncRunner, type SyncRun } from '../../src/index.js';
import { tree } from '../fixtures/inventory.js';
import { all, shown, systemsOn, type Sites, System } from '../support/run-systems.js';
import { stores } from '../support/stores.js';

const BEFORE: Sites = { nyc: { d1: ['e0', 'e1'], d2: [] }, old: { d3: ['e3'] } };
const AFTER: Sites = { nyc: { d1: ['e0'], d2: ['e1'] }, ams: { d4: [] } };

describe.each(stores)('SyncRunner, $name', ({ open, close }) => {
  const system = systemsOn({ open, close });

  async function both(): Promise<{ source: System; target: System }> {
    return { source: await system('network', AFTER), target: await system('cmdb', BEFORE) };
  }

  it('loads both sides, makes the target equal, and remembers what it did', async () => {
    const sides = await both();
    const runner = new SyncRunner();
    const run = await runner.run({
      ...sides,
      label: 'nightly',
      by: 'scheduler',
      verify: true,
      guards: { minObjects: 100 },
    });
    expect(run).toMatchObject({
      kind: 'sync',
      outcome: 'succeeded',
      source: 'network',
      target: 'cmdb',
      label: 'nightly',
      by: 'scheduler',
    });
    expect(await tree(sides.target)).toEqual({ sites: AFTER, orphans: [] });
    expect(run.unsettled).toBe(0);
    expect(run.phases.map(({ phase }) => phase)).toEqual([
      'load-source',
      'load-target',
      'compare',
      'guard',
      'record',
      'apply',
      'verify',
    ]);
    const history = runner.history(sides.target);
    expect(await history.get(run.id)).toEqual(run);
    expect((await all(history.changes(run.id))).map(shown)).toEqual([
      'delete interface e1 done',
      'create interface e1 done',
      'create site ams done',
      'create device d4 done',
      'delete site old done',
      'delete device d3 done',
      'delete interface e3 done',
    ]);
    expect(run.results).toEqual({ done: 7, failed: 0, stale: 0, leftOut: 0 });
    expect((await history.ofObject('device', 'd3')).map(shown)).toEqual(['delete device d3 done']);
    expect(await history.ofObject('device', 'd1')).toEqual([]);
  });

  it('stops a dry run before it applies, and applies its plan later', async () => {
    const sides = await both();
    const runner = new SyncRunner();
    const plan = await runner.run({ ...sides, dryRun: true });
    expect(await tree(sides.target)).toEqual({ sites: BEFORE, orphans: [] });
    expect(plan).toMatchObject({ kind: 'dry-run', outcome: 'succeeded', changes: 7 });
    const run = await new SyncRunner().apply(plan.id, { ...sides, by: 'alice' });
    expect(run).toMatchObject({ kind: 'apply', of: plan.id, previous: plan.id, outcome: 'succeeded', by: 'alice' });
    expect(await tree(sides.target)).toEqual({ sites: AFTER, orphans: [] });
    const { runs, next } = await runner.history(sides.target).list({ limit: 1 });
    expect([runs.map(({ id }: SyncRun) => id), next]).toEqual([[run.id], run.id]);
    const second = await runner.history(sides.target).list({ limit: 1, after: next });
    expect([second.runs.map(({ id }) => id), second.next]).toEqual([[plan.id], undefined]);
  });
});
