import { entryPoint } from './build.mjs';

const { Adapter, DiffSyncModel } = await entryPoint('.');

/** A schema that trusts, so that loading measures the engine and not a validation library. */
export const trusting = { '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value }) } };

export const ATTRIBUTES = ['role', 'site', 'vendor', 'model', 'serial', 'osVersion', 'mgmtIp', 'enabled'];

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: trusting,
  identifiers: ['name'],
  attributes: ATTRIBUTES,
}) {}

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: trusting,
  identifiers: ['name'],
  attributes: ['region'],
  children: { device: 'devices' },
}) {}

class Inventory extends Adapter {
  static models = [Site, Device];
  static topLevel = ['site'];
}

class Flat extends Adapter {
  static models = [Device];
  static topLevel = ['device'];
}

/** 11 fields, about 200 bytes of JSON: the name, what is compared, and two fields that are not. */
export function device(name, number, changed) {
  return {
    name,
    role: changed ? 'spine' : 'leaf',
    site: `site-${number % 100}`,
    vendor: 'acme',
    model: `dcs-${7000 + (number % 50)}`,
    serial: `SN${100_000 + number}`,
    osVersion: `4.${number % 30}.1F`,
    mgmtIp: `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`,
    enabled: number % 3 !== 0,
    rack: number % 42,
    tags: ['prod', `pod-${number % 8}`],
  };
}

/**
 * What one side holds, as lists of plain objects: `parents` sites (0: none) and `size` devices. Of every 20 devices the
 * source alone has one, the target alone has one, and one has another role in each; with `alike` both have all, and the same.
 */
export function plainSide(side, { size, parents, alike }) {
  const sites = plainSites(parents);
  const devices = [];
  for (const { fields, parent } of devicesOf(side, { size, parents, alike })) {
    devices.push(fields);
    sites[parent]?.devices.push(fields.name);
  }
  return fromText({ devices, sites });
}

/** The same as pages of devices, each with the number of its site; the sites list none. */
export function* plainPages(side, { size, parents, pageSize }) {
  let page = [];
  for (const device of devicesOf(side, { size, parents, alike: false })) {
    if (page.push(device) < pageSize) continue;
    yield fromText(page);
    page = [];
  }
  yield fromText(page);
}

export function plainSites(parents) {
  return Array.from({ length: parents }, (_, site) => ({ name: `site-${site}`, region: 'emea', devices: [] }));
}

function* devicesOf(side, { size, parents, alike }) {
  for (let number = 0; number < size; number++) {
    const kind = alike ? 19 : number % 20;
    if ((kind === 5 && side === 'source') || (kind === 0 && side === 'target')) continue;
    const name = `device-${String(number).padStart(6, '0')}`;
    const fields = device(name, number, kind === 10 && side === 'source');
    yield { fields, parent: Math.floor((number * parents) / size) };
  }
}

/** As a system's answer would be: parsed from text, so that no string is shared between the sides or still in pieces. */
function fromText(side) {
  return JSON.parse(JSON.stringify(side));
}

/** An adapter with a store in memory that holds what the plain side does. */
export async function loadAdapter(name, { devices, sites }) {
  const adapter = sites.length === 0 ? new Flat({ name }) : new Inventory({ name });
  const objects = [
    ...sites.map((site) => Site.hydrate({ ...site, devices: [...site.devices] })),
    ...devices.map((each) => Device.hydrate({ ...each, tags: [...each.tags] })),
  ];
  await adapter.addMany(objects);
  return adapter;
}

/** One parent of `count` children in the source, none in the target. */
export async function wideParent(count) {
  const source = plainSide('source', { size: count, parents: 1, alike: true });
  const target = { devices: [], sites: [{ ...source.sites[0], devices: [] }] };
  return { source: await loadAdapter('source', source), target: await loadAdapter('target', target) };
}

// ---- The lower bound: what any comparison has to do, on plain objects and nothing else.

/** What differs between two plain sides, with the values of either. */
export function bound(source, target) {
  const found = { create: [], update: [], delete: [] };
  const [ours, theirs] = [byName(source.devices), byName(target.devices)];
  if (source.sites.length === 0) {
    compareLists(ours.keys(), theirs.keys(), ours, theirs, ATTRIBUTES, found);
    return found;
  }
  const [ourSites, theirSites] = [byName(source.sites), byName(target.sites)];
  compareLists(ourSites.keys(), theirSites.keys(), ourSites, theirSites, ['region'], found);
  for (const [name, site] of ourSites) {
    const theirNames = theirSites.get(name)?.devices ?? [];
    compareLists(site.devices, theirNames, ours, theirs, ATTRIBUTES, found, new Set(site.devices));
  }
  return found;
}

function byName(objects) {
  const map = new Map();
  for (const object of objects) map.set(object.name, object);
  return map;
}

/** @param listed the names that the source has here. */
function compareLists(ourNames, theirNames, ours, theirs, attributes, found, listed = ours) {
  for (const name of ourNames) {
    const [source, target] = [ours.get(name), theirs.get(name)];
    if (target === undefined) found.create.push(source);
    else compare(source, target, attributes, found);
  }
  for (const name of theirNames) if (!listed.has(name)) found.delete.push(theirs.get(name));
}

function compare(source, target, attributes, found) {
  let update;
  for (const attribute of attributes) {
    if (Object.is(source[attribute], target[attribute])) continue;
    update ??= { name: source.name, before: {}, after: {} };
    update.before[attribute] = target[attribute];
    update.after[attribute] = source[attribute];
  }
  if (update !== undefined) found.update.push(update);
}
