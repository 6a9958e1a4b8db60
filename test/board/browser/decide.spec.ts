// Deciding in a real browser: a dry run is started, its plan approved and applied, the run undone; stale plans; who may not decide.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { browserPages, settled, tabTo } from './browser.js';
import { CMDB, NETWORK, startBoardApp, type BoardApp } from './inventory-app.js';

const open = browserPages();

describe.each([{ engine: 'redis' }, { engine: 'sqlite' }] as const)('deciding, on $engine', ({ engine }) => {
  let app: BoardApp;
  beforeEach(async () => {
    app = await startBoardApp({ engine });
    [app.network.system, app.cmdb.system] = [NETWORK, CMDB];
  });
  afterEach(() => app.close());

  const state = (page: Page, text: string): Promise<void> =>
    page.locator('.heading .badge', { hasText: text }).first().waitFor();
  const roles = (): (string | undefined)[] =>
    ['berlin-000', 'berlin-001'].map((name) => app.cmdb.system['berlin']?.[name]?.role);
  const plan = async (): Promise<string> => {
    const { id } = await app.runner.run({ source: app.network, target: app.cmdb, dryRun: true });
    return `${app.url}#/decide/cmdb/${id}`;
  };
  const press = async (page: Page, ...names: readonly string[]): Promise<void> => {
    for (const name of names) await page.getByRole('button', { name, exact: true }).click();
  };

  it('goes from the dry run to its undoing by keyboard alone, with the focus where the reader is', async () => {
    const page = await open(`${app.url}#/decide`);
    await settled(page);
    const said = page.locator('[data-announcer]');
    await tabTo(page, 'textbox Label (optional)');
    await page.keyboard.type('by keyboard');
    await tabTo(page, 'button Start');
    await page.keyboard.press('Enter');
    await state(page, 'to approve');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    expect(await page.locator('h1').innerText()).toContain('by keyboard');
    expect(roles()).toEqual(['leaf', 'leaf']);

    await tabTo(page, 'button Approve…');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Approve this plan?' }).waitFor();
    await tabTo(page, 'button Cancel');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await tabTo(page, 'button Approve…');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await tabTo(page, 'button Approve');
    await page.keyboard.press('Enter');
    await state(page, 'approved');
    expect(await said.innerText()).toBe('The plan is approved');
    expect(await page.getByText(/^by alice, /).count()).toBe(1);
    expect(roles()).toEqual(['leaf', 'leaf']);

    await tabTo(page, 'button Apply…');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Apply this plan?' }).waitFor();
    await tabTo(page, 'button Apply');
    await page.keyboard.press('Enter');
    await state(page, 'succeeded');
    expect(roles()).toEqual(['spine', 'spine']);
    expect(Object.keys(app.cmdb.system)).not.toContain('closed');

    await tabTo(page, 'button Undo…');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Undo this run?' }).waitFor();
    await tabTo(page, 'button Undo');
    await page.keyboard.press('Enter');
    await page.locator('dd', { hasText: 'undo' }).first().waitFor();
    await state(page, 'succeeded');
    expect(roles()).toEqual(['leaf', 'leaf']);
    expect(Object.keys(app.cmdb.system)).toContain('closed');
    const { runs } = await app.runner.history(app.cmdb).list();
    expect(runs.map(({ kind, by }) => [kind, by])).toEqual([
      ['undo', 'alice'],
      ['apply', 'alice'],
      ['dry-run', 'alice'],
    ]);
    expect(runs[1]?.approval?.by).toBe('alice');
  });

  it('shows a run while it is under way, and how it has ended', async () => {
    let go = (): void => undefined;
    app.network.gate = new Promise((resolve) => (go = resolve));
    const page = await open(`${app.url}#/decide`);
    await press(page, 'Start');
    const live = page.locator('[data-live]');
    await live.getByText('1 of 3').first().waitFor();
    expect(await live.locator('progress').first().getAttribute('max')).toBe('3');
    const other = await open(`${app.url}#/runs`);
    await other.locator('.badge', { hasText: 'running' }).waitFor();
    go();
    await state(page, 'to approve');
    expect(await live.count()).toBe(0);
    expect(await page.locator('[data-announcer]').innerText()).toBe('The run has ended: succeeded');
    await page.getByRole('link', { name: 'Look at 121 changes' }).waitFor();
    await other.locator('.badge', { hasText: 'succeeded' }).waitFor();
  });

  it('says what of a plan is stale, and applies what still holds', async () => {
    const page = await open(await plan(), { allowed: /409/ });
    await press(page, 'Approve…', 'Approve');
    await state(page, 'approved');
    const { berlin } = app.cmdb.system;
    app.cmdb.system = { ...app.cmdb.system, berlin: { ...berlin, 'berlin-000': { role: 'border' } } };
    await press(page, 'Apply…', 'Apply');
    const stale = page.locator('[data-stale]');
    await stale.getByText('update device berlin-000').waitFor();
    await stale.getByText('1 change no longer holds').waitFor();
    expect(roles()).toEqual(['border', 'leaf']);
    expect(await stale.getByRole('link', { name: 'New dry run' }).getAttribute('href')).toBe(
      '#/decide?source=network&target=cmdb',
    );
    await press(page, 'Apply what still holds…', 'Apply the rest');
    await state(page, 'succeeded');
    await page.getByText('120 done, 0 failed, 1 stale, 0 left out').waitFor();
    expect(roles()).toEqual(['border', 'spine']);
  });

  it('lets who may not decide look, and offers nothing', async () => {
    const address = await plan();
    app.refuseToDecide(true);
    const page = await open(address, { allowed: /403/ });
    await page.getByText('You may look at everything here, but not decide.').waitFor();
    expect(await page.getByRole('button', { name: 'Approve…' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Look at 121 changes' }).click();
    await page.locator('.change').first().waitFor();
  });

  it('says in the dialog why a decision was refused, and changes nothing', async () => {
    const page = await open(await plan(), { allowed: /403/ });
    await settled(page);
    app.refuseToDecide(true);
    await press(page, 'Approve…', 'Approve');
    await page.getByRole('dialog').getByText('You may not do this here').waitFor();
    await press(page, 'Cancel');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const { runs } = await app.runner.history(app.cmdb).list();
    expect(runs.map(({ approval }) => approval)).toEqual([undefined]);
  });
});
