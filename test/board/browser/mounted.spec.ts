// Where the board may be: below a global prefix, behind a proxy that rewrites the path, read-only; on Express and on Fastify.
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { afterEachTest } from '../../support/cleanups.js';
import { browserPages, settled } from './browser.js';
import { CMDB, NETWORK, startBoardApp, type BoardApp, type BoardAppOptions } from './inventory-app.js';

const open = browserPages();
const cleanup = afterEachTest();

async function start(options: Omit<BoardAppOptions, 'engine'>): Promise<BoardApp> {
  const app = await startBoardApp({ engine: 'sqlite', ...options });
  cleanup(() => app.close());
  [app.network.system, app.cmdb.system] = [NETWORK, CMDB];
  return app;
}

/** A proxy that has the board at `/tools/inventory`, whatever address the application has for it. */
async function startProxy(board: URL): Promise<string> {
  const proxy: Server = createServer((incoming, outgoing) => {
    const path = incoming.url?.replace(/^\/tools\/inventory(?=\/|$)/, board.pathname);
    if (path === undefined || path === incoming.url) {
      outgoing.writeHead(404).end();
      return;
    }
    const passed = request(
      { host: board.hostname, port: board.port, method: incoming.method, path, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  cleanup(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/tools/inventory`;
}

/** Looks at stores, and takes a dry run as far as its approval. */
async function walkThrough(address: string): Promise<void> {
  const page = await open(address);
  await page.getByRole('link', { name: 'cmdb' }).click();
  await page.locator('h2', { hasText: 'Health' }).waitFor();
  await page.getByRole('link', { name: 'Decide' }).click();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('button', { name: 'Approve…' }).click();
  await page.getByRole('button', { name: 'Approve', exact: true }).click();
  await page.locator('.heading .badge', { hasText: 'approved' }).first().waitFor();
  await page.getByRole('link', { name: 'Look at 121 changes' }).click();
  await page.locator('.change').first().waitFor();
  expect(await page.locator('.change').count()).toBe(50);
}

describe.each([{ platform: 'express' }, { platform: 'fastify' }] as const)('the board on $platform', ({ platform }) => {
  it('works below a global prefix, with and without a slash at the end of its address', async () => {
    const app = await start({ platform, prefix: 'internal/v2' });
    expect(new URL(app.url).pathname).toBe('/internal/v2/diffsync');
    await walkThrough(app.url);
    const page = await open(`${app.url}/#/runs`);
    await page.locator('h1', { hasText: 'Runs' }).waitFor();
  });

  it('works behind a proxy that rewrites the path', async () => {
    const app = await start({ platform });
    await walkThrough(`${await startProxy(new URL(app.url))}/`);
  });

  it('offers no decision where it is read-only', async () => {
    const app = await start({ platform, readOnly: true });
    const { id } = await app.runner.run({ source: app.network, target: app.cmdb, dryRun: true });
    const page = await open(app.url);
    await settled(page);
    expect(await page.locator('header nav a').allInnerTexts()).toEqual(['Stores', 'Runs']);
    await page.goto(`${app.url}#/decide/cmdb/${id}`);
    await page.getByText('This board is read-only').waitFor();
    expect(await page.getByRole('button', { name: /Approve|Apply|Undo/ }).count()).toBe(0);
  });
});

describe('the browser of these tests', () => {
  it('says what the policy of the board forbids, and what goes wrong in a page', async () => {
    const app = await start({});
    const page = await open(app.url, { allowed: /Content Security Policy|securitypolicyviolation/ });
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '<p style="color: red">x</p>')`);
    await page.evaluate(`document.head.append(Object.assign(document.createElement('script'), { textContent: '1' }))`);
    await page.evaluate(`new Image().src = 'data:,'`);
    await expect(page.evaluate('document.querySelectorAll("p[style]").length')).resolves.toBe(1);
    expect(said.filter((text) => text.includes('Content Security Policy'))).toHaveLength(3);
  });
});
