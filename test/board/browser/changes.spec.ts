// The changes of a run in a real browser: filters, pages, old and new values side by side.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { browserPages, settled } from './browser.js';
import { CMDB, NETWORK, startBoardApp, type BoardApp } from './inventory-app.js';

const open = browserPages();

describe('the changes of a dry run', () => {
  let app: BoardApp;
  let address: string;
  beforeAll(async () => {
    app = await startBoardApp({ engine: 'sqlite' });
    [app.network.system, app.cmdb.system] = [NETWORK, CMDB];
    const { id } = await app.runner.run({ source: app.network, target: app.cmdb, dryRun: true });
    address = `${app.url}#/runs/cmdb/${id}/changes`;
  });
  afterAll(() => app.close());

  /** Waits until the page has so many changes, and returns their heads. */
  const shown = async (page: Page, count: number): Promise<string[]> => {
    const heads = page.locator('.change-head');
    await heads.nth(count - 1).waitFor();
    await heads.nth(count).waitFor({ state: 'detached' });
    await settled(page);
    return heads.allInnerTexts();
  };
  const choose = (page: Page, name: RegExp): Promise<void> => page.getByRole('button', { name }).click();

  it('are filtered by model and action, with counts that follow, and by a part of the unique id', async () => {
    const page = await open(address);
    await settled(page);
    const choices = (): Promise<string[]> => page.locator('.choice').allInnerTexts();
    const plain = (texts: readonly string[]): string[] => texts.map((text) => text.replaceAll(/\s+/g, ' '));
    expect(plain(await choices())).toEqual([
      'site 2',
      'device 119',
      'create 51',
      'update 60',
      'delete 10',
      'link',
      'unlink',
    ]);
    await choose(page, /^delete/);
    await page.waitForURL(/action=delete/);
    expect(await shown(page, 10)).toHaveLength(10);
    expect(plain(await choices()).slice(0, 2)).toEqual(['site 1', 'device 9']);
    await choose(page, /^site/);
    await page.waitForURL(/model=site/);
    expect(await shown(page, 1)).toEqual([expect.stringMatching(/^delete\s+site\s+closed$/)]);
    await choose(page, /^update/);
    await choose(page, /^delete/);
    await choose(page, /^site/);
    await page.getByLabel('Part of the unique id').fill('-00');
    await page.keyboard.press('Enter');
    await page.waitForURL(/search=-00/);
    expect(await shown(page, 10)).toHaveLength(10);
    await page.goBack();
    expect(await shown(page, 50)).toHaveLength(50);
    await page.getByLabel('Part of the unique id').fill('nothing like this');
    await page.keyboard.press('Enter');
    await page.getByText('No change matches.').waitFor();
  });

  it('are marked where they differ, with equal lines folded and secrets left out', async () => {
    const page = await open(`${address}?search=berlin-000`);
    await settled(page);
    const marks = (name: string): Promise<string[]> =>
      page.locator('tr', { hasText: name }).locator('mark').allInnerTexts();
    expect(await marks('description')).toEqual(['upper', 'lower']);
    expect(await marks('role')).toEqual(['leaf', 'spine']);
    const text = await page.locator('.change').innerText();
    expect(text).toContain('secret: it differs, and is not shown');
    expect(text).not.toContain('hidden-');
    await page.goto(`${address}?search=berlin-config`);
    await page.locator('.change', { hasText: 'berlin-config' }).waitFor();
    expect(await page.locator('mark').allInnerTexts()).toEqual(['1', '254']);
    const folds = page.getByRole('button', { name: /equal lines/ });
    expect(await folds.allInnerTexts()).toEqual([
      '12 equal lines',
      '13 equal lines',
      '12 equal lines',
      '13 equal lines',
    ]);
    expect(await page.getByText('line 3 of the configuration').count()).toBe(0);
    await folds.first().click();
    expect(await page.getByText('line 3 of the configuration').count()).toBe(2);
  });

  it('have their unchanged fields folded, and read from the store when they are unfolded', async () => {
    const page = await open(`${address}?search=berlin-config`);
    await settled(page);
    expect(await page.locator('details dt').count()).toBe(0);
    await page.getByText('Unchanged fields').click();
    await page.locator('details dt', { hasText: 'role' }).waitFor();
    expect(await page.locator('details').innerText()).toContain('secret: not shown');
  });

  it('are paged by the server, and one page at a time is in the browser', async () => {
    const page = await open(address);
    await settled(page);
    const session = await page.context().newCDPSession(page);
    const footprint = async (): Promise<{ nodes: number; heap: number }> => {
      await session.send('HeapProfiler.collectGarbage');
      const { nodes } = await session.send('Memory.getDOMCounters');
      const { usedSize: heap } = await session.send('Runtime.getHeapUsage');
      return { nodes, heap };
    };
    const turn = async (name: string, first: number): Promise<void> => {
      await page.getByRole('button', { name }).click();
      await page.locator(`.change[data-index="${first}"]`).waitFor();
      expect(await shown(page, first === 100 ? 21 : 50)).toHaveLength(first === 100 ? 21 : 50);
    };
    expect(await page.locator('.change').count()).toBe(50);
    const round = async (): Promise<void> => {
      await turn('Next page', 50);
      await turn('Next page', 100);
      expect(await page.getByRole('button', { name: 'Next page' }).isDisabled()).toBe(true);
      await turn('Previous page', 50);
      await turn('First page', 0);
    };
    await round();
    const before = await footprint();
    for (let rounds = 0; rounds < 5; rounds++) await round();
    const after = await footprint();
    expect(after.nodes).toBeLessThan(before.nodes * 1.25);
    expect(after.heap).toBeLessThan(before.heap + 1_000_000);
  });
});
