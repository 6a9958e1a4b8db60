// Who has agreed to a plan, on every store.
import { afterEach, describe, expect, it } from '@jest/globals';
import { SyncRunner, type SyncRun } from '../../src/index.js';
import { fill, Inventory, tree } from '../fixtures/inventory.js';
import { engineStores } from '../support/stores.js';

type Sites = Parameters<typeof fill>[1];

class System extends Inventory {
  sites: Sites = {};
  override async load(): Promise<void> {
    await fill(this, this.sites);
  }
}

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

const BEFORE: Sites = { nyc: { d1: [] } };
const AFTER: Sites = { nyc: { d1: [], d2: [] } };

describe.each(engineStores)('SyncRunner.approve, $name', ({ open, close }) => {
  async function system(name: string, sites: Sites): Promise<System> {
    const store = await open();
    opened.push(async () => close(store));
    const adapter = new System({ store, name });
    adapter.sites = sites;
    return adapter;
  }

  async function planned(): Promise<{ source: System; target: System; runner: SyncRunner; plan: SyncRun }> {
    const source = await system('network', AFTER);
    const target = await system('cmdb', BEFORE);
    const runner = new SyncRunner();
    return { source, target, runner, plan: await runner.run({ source, target, dryRun: true }) };
  }

  it('keeps who and when in the dry run, and in the run that applies its plan', async () => {
    const { source, target, runner, plan } = await planned();
    const history = runner.history(target);
    await expect(runner.apply(plan.id, { source, target, approved: true })).rejects.toMatchObject({
      code: 'RUN_NOT_APPROVED',
      message: expect.stringContaining(plan.id),
    });
    expect((await history.list()).runs).toEqual([plan]);

    const approved = await new SyncRunner().approve(plan.id, { target, by: 'alice' });
    expect(approved).toEqual({ ...plan, approval: { by: 'alice', at: expect.any(String) } });
    expect(new Date(approved.approval?.at ?? '').toISOString()).toBe(approved.approval?.at);
    expect(await history.get(plan.id)).toEqual(approved);
    // The first approval stays.
    expect(await runner.approve(plan.id, { target, by: 'bob' })).toEqual(approved);

    const run = await runner.apply(plan.id, { source, target, approved: true, by: 'scheduler' });
    expect(run).toMatchObject({ kind: 'apply', by: 'scheduler', approval: approved.approval });
    expect(await tree(target)).toEqual({ sites: AFTER, orphans: [] });
    const { runs } = await history.list();
    expect(runs).toEqual([run, { ...approved, appliedBy: run.id }]);
  });

  it('refuses what is no plan that can be applied', async () => {
    const { source, target, runner, plan } = await planned();
    const run = await runner.apply(plan.id, { source, target });
    expect(run).not.toHaveProperty('approval');
    const refusal = (id: string, code: string): Promise<void> =>
      expect(runner.approve(id, { target, by: 'alice' })).rejects.toMatchObject({ code });
    await refusal(plan.id, 'RUN_WAS_APPLIED');
    await refusal(run.id, 'RUN_HAS_NO_PLAN');
    await refusal('nothing', 'RUN_NOT_FOUND');
    const undo = await runner.undo(run.id, { target, dryRun: true });
    await refusal(undo.id, 'RUN_HAS_NO_PLAN');

    source.sites = {};
    await source.store.clear();
    const refused = runner.run({ source, target, dryRun: true, load: 'none', guards: { minObjects: 0 } });
    const { run: { id = '' } = {} } = (await refused.catch((error: unknown) => error)) as { run?: SyncRun };
    await refusal(id, 'RUN_WAS_REFUSED');
    await expect(runner.approve(plan.id, { target, by: ' ' })).rejects.toMatchObject({ code: 'VALUE_ERROR' });
  });

  it('of a plan that is stale: it is not applied, and stays approved', async () => {
    const { source, target, runner, plan } = await planned();
    await runner.approve(plan.id, { target, by: 'alice' });
    source.sites = BEFORE;
    const stale = runner.apply(plan.id, { source, target, approved: true });
    await expect(stale).rejects.toMatchObject({ code: 'DIFF_STALE' });
    const kept = await runner.history(target).get(plan.id);
    expect(kept).toMatchObject({ approval: { by: 'alice' } });
    expect(kept).not.toHaveProperty('appliedBy');
  });

  it('of a plan that was applied meanwhile: apply() with `approved` refuses to apply it twice', async () => {
    const { source, target, runner, plan } = await planned();
    await runner.approve(plan.id, { target, by: 'alice' });
    // Both look before either begins; one waits for the other.
    const both = await Promise.allSettled(
      [1, 2].map(() => runner.apply(plan.id, { source, target, approved: true, exclusive: { waitMs: 60_000 } })),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'RUN_WAS_APPLIED' } });
  });
});
