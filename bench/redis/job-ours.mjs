import { strict as assert } from 'node:assert';
import { entryPoint } from '../build.mjs';
import { plainPages, plainSites } from '../inventories.mjs';
import { Device, Flat, Site, Tree } from './models.mjs';

const { RedisStore } = await entryPoint('./redis');

/** Devices that a system hands out at a time. */
const PAGE = 10_000;

export async function job({ url, size, parents, clock }) {
  const root = await RedisStore.connect({ url, storeId: 'job' });
  const [source, target] = ['source', 'target'].map((name) => {
    const store = root.scope({ storeId: `job.${name}` });
    return parents === 0 ? new Flat({ name, store }) : new Tree({ name, store });
  });
  for (const { store } of [source, target]) await store.open();

  clock.step('load');
  for (const adapter of [source, target]) await load(adapter, { size, parents, clock });
  clock.step('diff');
  let diff = await target.diffFrom(source);
  clock.step('sync');
  await target.syncFrom(source, { diff });
  clock.pause();
  const changes = changesOf(diff);
  diff = undefined; // Else its memory is there while the next is made.
  clock.step('second diff');
  const second = await target.diffFrom(source);
  clock.step('close');
  assert.equal(second.hasDiffs(), false);
  for (const { store } of [source, target]) await store.close();
  await root.close();
  return changes;
}

/** Validates, as an adapter would what its system has told. */
async function load(adapter, { size, parents, clock }) {
  const sites = plainSites(parents).map((site) => new Site(site));
  await adapter.addMany(sites);
  clock.pause();
  for (const page of plainPages(adapter.name, { size, parents, pageSize: PAGE })) {
    clock.resume();
    const devices = page.map(({ fields }) => new Device(fields));
    await adapter.addMany(devices);
    for (const [at, { parent }] of page.entries()) sites[parent]?.addChild(devices[at]);
    clock.pause();
  }
  clock.resume();
  await adapter.store.flush();
}

function changesOf(diff) {
  const { create, update, delete: gone } = diff.summary();
  return create + update + gone;
}
