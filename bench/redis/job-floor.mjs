import { strict as assert } from 'node:assert';
import { Redis } from 'ioredis';
import { ATTRIBUTES, plainPages, plainSites } from '../inventories.mjs';
import { decode, read, remove, write } from './bare.mjs';

/** As in the job of ours. */
const PAGE = 10_000;

/**
 * The least that any such job does on this client: writes both sides, reads both as objects, writes the changes, reads both
 * again. No check, no index, no validation, no comparison of more than attributes.
 */
export async function job({ url, size, parents, clock }) {
  const redis = new Redis(url);
  clock.step('load');
  const names = {};
  for (const side of ['source', 'target']) names[side] = await load(redis, side, { size, parents, clock });
  clock.step('diff');
  const found = await compare(redis, names);
  clock.step('sync');
  const { create, update, gone } = found;
  await write(redis, [...create, ...update], keyIn('target'), JSON.stringify);
  await remove(redis, gone, keyIn('target'));
  clock.pause();
  const removed = new Set(gone.map(({ name }) => name));
  names.target = [...names.target.filter((name) => !removed.has(name)), ...create.map(({ name }) => name)];
  clock.step('second diff');
  const second = await compare(redis, names);
  clock.step('close');
  assert.equal(second.create.length + second.update.length + second.gone.length, 0);
  await redis.quit();
  return create.length + update.length + gone.length;
}

async function load(redis, side, { size, parents, clock }) {
  const names = [];
  const sites = plainSites(parents);
  clock.pause();
  for (const page of plainPages(side, { size, parents, pageSize: PAGE })) {
    const devices = page.map(({ fields }) => fields);
    clock.resume();
    await write(redis, devices, keyIn(side), JSON.stringify);
    for (const { fields, parent } of page) {
      names.push(fields.name);
      sites[parent]?.devices.push(fields.name);
    }
    clock.pause();
  }
  clock.resume();
  await write(redis, sites, (site) => `diffsync:${side}:site:${site.name}`, JSON.stringify);
  return names;
}

async function compare(redis, names) {
  const [source, target] = await Promise.all(
    ['source', 'target'].map((side) => read(redis, names[side], (name) => `diffsync:${side}:device:${name}`, decode)),
  );
  const theirs = new Map(target.map((device) => [device.name, device]));
  const [create, update] = [[], []];
  for (const device of source) {
    const other = theirs.get(device.name);
    if (other === undefined) create.push(device);
    else if (ATTRIBUTES.some((attribute) => device[attribute] !== other[attribute])) update.push(device);
    theirs.delete(device.name);
  }
  return { create, update, gone: [...theirs.values()] };
}

function keyIn(side) {
  return ({ name }) => `diffsync:${side}:device:${name}`;
}
