// Every screen of the board in a real browser: on Redis and on SQLite, light and dark.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { browserPages, seriousFindings, settled } from './browser.js';
import { CMDB, MARKUP, NETWORK, SHOWN_MARKUP, startBoardApp, type BoardApp } from './inventory-app.js';

const open = browserPages();

const SCREENS = ['stores', 'store', 'model', 'object', 'runs', 'run', 'changes', 'decide', 'plan', 'missing'] as const;

describe.each([
  { engine: 'redis', platform: 'express', colorScheme: 'light' },
  { engine: 'sqlite', platform: 'fastify', colorScheme: 'dark' },
] as const)('the board on $engine and $platform, $colorScheme', ({ engine, platform, colorScheme }) => {
  let app: BoardApp;
  let plan: string;
  let sync: string;
  beforeAll(async () => {
    app = await startBoardApp({ engine, platform });
    [app.network.system, app.cmdb.system] = [CMDB, {}];
    const sides = { source: app.network, target: app.cmdb };
    ({ id: sync } = await app.runner.run({ ...sides, label: 'first', by: 'scheduler' }));
    app.network.system = NETWORK;
    ({ id: plan } = await app.runner.run({ ...sides, dryRun: true, label: MARKUP }));
  });
  afterAll(() => app.close());

  const screens = (): Record<
    (typeof SCREENS)[number],
    { readonly address: string; readonly shows: readonly string[] }
  > => ({
    stores: { address: '#/stores', shows: ['Stores', 'inventory.cmdb', engine, 'up', '154'] },
    store: { address: '#/stores/cmdb', shows: ['inventory.cmdb', 'Health', 'up', 'device', '151', 'Response time'] },
    model: { address: '#/stores/cmdb/device', shows: ['device', 'berlin-000', 'row A, upper half'] },
    object: {
      address: '#/stores/cmdb/device/berlin-000',
      shows: ['Fields', 'secret: not shown', 'site', 'create', 'done'],
    },
    runs: { address: '#/runs', shows: ['first', 'succeeded', 'scheduler', '154 to create', SHOWN_MARKUP] },
    run: { address: `#/runs/cmdb/${sync}`, shows: ['first', 'Phases', 'load source', 'apply', '154 done'] },
    changes: {
      address: `#/runs/cmdb/${plan}/changes?search=berlin-00`,
      shows: ['Changes', 'update', 'lower half', 'upper half'],
    },
    decide: { address: '#/decide', shows: ['Start a dry run', 'as alice', 'to approve'] },
    plan: { address: `#/decide/cmdb/${plan}`, shows: ['Approve…', 'site', 'device', '51', '60', '10'] },
    missing: { address: '#/nowhere', shows: ['There is no such screen'] },
  });

  it.each(SCREENS)('shows %s at an address of its own, accessible, at 360 and at 1600 pixels', async (name) => {
    const { address, shows } = screens()[name];
    const page = await open(`${app.url}${address}`, { colorScheme, width: 360 });
    await settled(page);
    const text = await page.locator('#board').innerText();
    for (const part of shows) expect(text).toContain(part);
    expect(await page.locator('h1').count()).toBe(1);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await seriousFindings(page)).toEqual([]);
    await page.setViewportSize({ width: 1600, height: 900 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(1600);
  });

  it('keeps the chosen colours, whatever the system has', async () => {
    const page = await open(app.url, { colorScheme });
    const other = colorScheme === 'light' ? 'dark' : 'light';
    const BACKGROUND = 'getComputedStyle(document.documentElement).backgroundColor';
    const before = await page.evaluate<string>(BACKGROUND);
    // The page takes the colours a moment after the choice.
    await page.getByLabel('Colours').selectOption(other);
    await page.waitForFunction(`${BACKGROUND} !== '${before}'`);
    const chosen = await page.evaluate<string>(BACKGROUND);
    await page.reload();
    await settled(page);
    await page.waitForFunction(`${BACKGROUND} === '${chosen}'`);
    await page.getByLabel('Colours').selectOption('system');
    await page.waitForFunction(`${BACKGROUND} === '${before}'`);
  });

  it('pages through the objects of a model, and searches their unique ids', async () => {
    const page = await open(`${app.url}#/stores/cmdb/device`, { colorScheme });
    const uids = page.locator('tbody th');
    await settled(page);
    expect(await uids.count()).toBe(50);
    await page.getByRole('button', { name: 'Next page' }).click();
    await page.getByText('berlin-055').waitFor();
    expect(await uids.count()).toBe(50);
    await page.getByRole('button', { name: 'Previous page' }).click();
    await page.getByText('berlin-001').waitFor();
    await page.getByLabel('Part of the unique id').fill('paris-04');
    await page.keyboard.press('Enter');
    await page.getByText('paris-049').waitFor();
    expect(await uids.allInnerTexts()).toEqual(Array.from({ length: 10 }, (_, at) => `paris-04${at}`));
    await page.getByLabel('Part of the unique id').fill('no such thing');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('No object matches.').waitFor();
  });

  it('finds an object whose unique id has all that an address has', async () => {
    const page = await open(`${app.url}#/stores/cmdb/device`, { colorScheme });
    await page.getByLabel('Part of the unique id').fill('?c#d%2F e');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: 'a/b?c#d%2F e' }).click();
    const field = page.getByRole('row', { name: /^description/ }).getByText('an id of all that an address has');
    await field.first().waitFor();
    await page.reload();
    await field.first().waitFor();
    await page.getByRole('link', { name: 'berlin', exact: true }).click();
    await page.locator('h1', { hasText: 'berlin' }).waitFor();
  });

  it('shows a value full of markup and control characters as text', async () => {
    const page = await open(`${app.url}#/runs/cmdb/${plan}/changes?search=berlin-003`, { colorScheme });
    const change = page.locator('.change');
    await settled(page);
    expect(await change.count()).toBe(1);
    expect(await change.innerText()).toContain(SHOWN_MARKUP);
    expect(await page.locator('img, #board script').count()).toBe(0);
    expect(await page.title()).not.toBe('owned');
    await page.goto(`${app.url}#/runs/cmdb/${plan}`);
    await page.locator('h1', { hasText: '<img src=x' }).waitFor();
    expect(await page.title()).toContain('<img src=x');
    expect(await page.title()).toContain('\\u202egnp');
  });
});
