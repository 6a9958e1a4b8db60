// Writes the pictures of docs/board.md: an application with two inventories, as a browser shows its board. Usage:
// npm run docs:screenshots
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { z } from 'zod';
import { startChromium } from './chromium.mjs';

const built = (path) => import(new URL(`../dist/${path}`, import.meta.url));
const { Adapter, DiffSyncModel, DiffSyncStoreModule, getStoreToken, SyncRunner } = await built('index.js');
const { DiffSyncBoardModule } = await built('board/index.js');

const pictures = fileURLToPath(new URL('../docs/pictures', import.meta.url));
const SIZE = { width: 1120, height: 700 };

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string(), region: z.string(), devices: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['region'],
  children: { device: 'devices' },
}) {}

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string(), description: z.string(), snmp: z.string() }),
  identifiers: ['name'],
  attributes: ['role', 'description', 'snmp'],
  secret: ['snmp'],
}) {}

/** An adapter of an inventory that this script holds. */
class InventoryAdapter extends Adapter {
  static models = [Site, Device];
  static topLevel = ['site'];
  inventory = {};

  async load() {
    for (const [name, { region, devices }] of Object.entries(this.inventory)) {
      await this.addMany(devices.map((device) => new Device(device)));
      await this.add(new Site({ name, region, devices: devices.map((device) => device.name) }));
    }
  }
}

class NetworkAdapter extends InventoryAdapter {
  constructor(store) {
    super({ store, name: 'network' });
  }
}

class CmdbAdapter extends InventoryAdapter {
  constructor(store) {
    super({ store, name: 'cmdb' });
  }
}

for (const [adapter, store] of [
  [NetworkAdapter, 'network'],
  [CmdbAdapter, 'cmdb'],
]) {
  Injectable()(adapter);
  Inject(getStoreToken(store))(adapter, undefined, 0);
}

/** `count` devices of a site; `differs` says which of them are as the network has them by now. */
function site(name, region, count, differs = () => false) {
  const devices = Array.from({ length: count }, (_, at) => ({
    name: `${name}-sw${String(at + 1).padStart(2, '0')}`,
    role: differs(at) ? 'spine' : 'leaf',
    description: differs(at)
      ? `Row ${at % 4}, rack ${at + 12}, upper half`
      : `Row ${at % 4}, rack ${at + 2}, upper half`,
    snmp: differs(at) && at % 3 === 0 ? 'two' : 'one',
  }));
  return [name, { region, devices }];
}

const before = Object.fromEntries([
  site('ams1', 'Amsterdam', 42),
  site('fra1', 'Frankfurt', 96),
  site('lon2', 'London', 64),
  site('par1', 'Paris', 6),
]);
const after = Object.fromEntries([
  site('ams1', 'Amsterdam', 46),
  site('fra1', 'Frankfurt', 96, (at) => at % 7 === 0),
  site('lon2', 'London', 64),
  site('osl1', 'Oslo', 18),
]);

class PicturesModule {}
const folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-pictures-'));
Module({
  imports: [
    DiffSyncStoreModule.forRoot({ engine: 'sqlite', path: join(folder, 'inventory.db'), storeId: 'inventory' }),
    DiffSyncStoreModule.forFeature(['network', 'cmdb']),
    DiffSyncBoardModule.forRoot({ path: 'diffsync', guards: 'none', user: () => 'alice' }),
  ],
  providers: [NetworkAdapter, CmdbAdapter],
})(PicturesModule);

const app = await NestFactory.create(PicturesModule, { logger: ['error'], forceCloseConnections: true });
try {
  await app.listen(0, '127.0.0.1');
  const { run, plan } = await makeRuns();
  await mkdir(pictures, { recursive: true });
  const browser = await startChromium();
  try {
    const take = async (name, address, options = {}) => {
      const context = await browser.newContext({ viewport: SIZE, colorScheme: 'light', locale: 'en-GB', ...options });
      const page = await context.newPage();
      await page.goto(`${await app.getUrl()}/diffsync#${address}`);
      await page.locator('.panel').last().waitFor();
      await page.getByText('Loading…').first().waitFor({ state: 'detached' });
      await page.screenshot({ path: join(pictures, `board-${name}.png`) });
      await context.close();
    };
    await take('stores', '/stores');
    await take('run', `/runs/cmdb/${run}`, { colorScheme: 'dark' });
    await take('changes', `/runs/cmdb/${plan}/changes?action=update`);
    await take('decide', `/decide/cmdb/${plan}`);
  } finally {
    await browser.close();
  }
} finally {
  await app.close();
  await rm(folder, { recursive: true });
}

/** A first sync, one that a guard refuses, and a plan. */
async function makeRuns() {
  const [source, target, runner] = [app.get(NetworkAdapter), app.get(CmdbAdapter), app.get(SyncRunner)];
  source.inventory = before;
  const { id: run } = await runner.run({ source, target, label: 'nightly', by: 'scheduler', verify: true });
  target.inventory = before;
  source.inventory = Object.fromEntries(Object.entries(after).slice(2));
  await runner.run({ source, target, label: 'nightly', by: 'scheduler' }).catch((error) => {
    if (!['SYNC_TOO_MANY_DELETES', 'SYNC_BASELINE_DROP'].includes(error.code)) throw error;
  });
  source.inventory = after;
  const { id: plan } = await runner.run({ source, target, dryRun: true, label: 'Oslo opens', by: 'alice' });
  return { run, plan };
}
