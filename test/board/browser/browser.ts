// The browser of these tests: one for each file, a new context for each page, and whatever it complains of fails the test.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, afterEach, expect } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { startChromium } from '../../../scripts/chromium.mjs';

/** An action of the browser may take so long; machines are busy. */
const TIMEOUT_MS = 30_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export interface OpenOptions {
  /** Default: light. */
  readonly colorScheme?: 'light' | 'dark';
  /** Default: 1280. */
  readonly width?: number;
  /** What the browser's console may say. Default: nothing. */
  readonly allowed?: RegExp;
}

interface Finding {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** Returns what opens pages. After each test they are closed, and what they have complained of has to be nothing. */
export function browserPages(): (url: string, options?: OpenOptions) => Promise<Page> {
  let browser: Promise<Browser> | undefined;
  const pages: Page[] = [];
  const complaints: string[] = [];
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
    expect(complaints.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await (await browser)?.close();
  });
  return async (url, { colorScheme = 'light', width = 1280, allowed } = {}) => {
    browser ??= startChromium();
    const context = await (
      await browser
    ).newContext({
      colorScheme,
      viewport: { width, height: 900 },
      reducedMotion: 'reduce',
      locale: 'en-GB',
      timezoneId: 'UTC',
    });
    context.setDefaultTimeout(TIMEOUT_MS);
    const page = await context.newPage();
    pages.push(page);
    page.on('console', (message) => {
      const said = `${message.type()}: ${message.text()} (${message.location().url})`;
      if (['error', 'warning'].includes(message.type()) && allowed?.test(said) !== true) complaints.push(said);
    });
    page.on('pageerror', (error) => complaints.push(`pageerror: ${error.stack ?? error.message}`));
    page.on('request', (request) => {
      if (!request.url().startsWith(new URL(url).origin)) complaints.push(`loaded from elsewhere: ${request.url()}`);
    });
    await page.goto(url);
    await page.locator('h1').waitFor();
    return page;
  };
}

/** Waits until nothing is loading on a screen. */
export async function settled(page: Page): Promise<void> {
  await page.locator('h1').waitFor();
  await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
  await page.getByText('Loading…').first().waitFor({ state: 'detached' });
}

/** What axe-core finds that is serious or critical. It comes in past the policy of the page, which lets no script in. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(`${AXE};undefined`);
  const violations = await page.evaluate<readonly Finding[]>(
    `axe.run(document, { resultTypes: ['violations'] }).then((result) => result.violations)`,
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary = '' }) => `${html} ${failureSummary}`).join('\n')}`,
    );
}

/** What has the focus: its role as far as these pages have it, and its name. */
const FOCUSED = `(() => {
  const roles = { BUTTON: 'button', A: 'link', SELECT: 'combobox', INPUT: 'textbox' };
  const element = document.activeElement;
  const named = element.labels?.[0] ?? element;
  return (roles[element.tagName] ?? element.tagName) + ' ' + named.innerText.trim();
})()`;

/** Presses Tab until an element has the focus, as who has no mouse does. */
export async function tabTo(page: Page, element: string): Promise<void> {
  const passed: string[] = [];
  while (passed.length < 80) {
    const focused = await page.evaluate<string>(FOCUSED);
    if (focused === element) return;
    passed.push(focused);
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab leads to no ${element}, but to ${passed.join(', ')}`);
}
