import { Adapter, DiffSyncModel } from 'nestjs-diffsync';

/** A schema that trusts, so that loading measures the engine and not a validation library. */
const trusting = { '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value }) } };

const ATTRIBUTES = ['role', 'site', 'vendor', 'serial', 'mtu', 'enabled'];

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

function device(name, number, changed) {
  return {
    name,
    role: changed ? 'spine' : 'leaf',
    site: `site-${number % 100}`,
    vendor: 'acme',
    serial: `SN${100_000 + number}`,
    mtu: 1500 + (number % 7),
    enabled: number % 3 !== 0,
  };
}

/**
 * What one side holds, as plain values: `parents` sites (0: none) and `size` devices. Of every 20 devices the source alone
 * has one, the target alone has one, and one has another role in each; with `alike` both have all, and the same.
 */
export function plainSide(side, { size, parents, alike }) {
  const devices = new Map();
  const sites = new Map();
  const perParent = parents === 0 ? size : size / parents;
  for (let number = 0; number < size; number++) {
    const kind = alike ? 19 : number % 20;
    if ((kind === 5 && side === 'source') || (kind === 0 && side === 'target')) continue;
    const name = `device-${String(number).padStart(6, '0')}`;
    devices.set(name, device(name, number, kind === 10 && side === 'source'));
    if (parents === 0) continue;
    const siteName = `site-${Math.floor(number / perParent)}`;
    const site = sites.get(siteName);
    if (site === undefined) sites.set(siteName, { name: siteName, region: 'emea', devices: [name] });
    else site.devices.push(name);
  }
  return { devices: fromText(devices), sites: fromText(sites) };
}

/** As a system's answer would be: parsed from text, so that no string is shared between the sides or still in pieces. */
function fromText(objects) {
  return new Map(JSON.parse(JSON.stringify([...objects])));
}

/** An adapter with a store in memory that holds what the plain side does. */
export async function loadAdapter(name, { devices, sites }) {
  const adapter = sites.size === 0 ? new Flat({ name }) : new Inventory({ name });
  const objects = [];
  for (const site of sites.values()) objects.push(Site.hydrate({ ...site, devices: [...site.devices] }));
  for (const each of devices.values()) objects.push(Device.hydrate(each));
  await adapter.addMany(objects);
  return adapter;
}

/** One parent of `count` children in the source, none in the target. */
export async function wideParent(count) {
  const devices = new Map(
    Array.from({ length: count }, (_, number) => {
      const name = `device-${String(number).padStart(6, '0')}`;
      return [name, device(name, number, false)];
    }),
  );
  const sites = new Map([['site-0', { name: 'site-0', region: 'emea', devices: [...devices.keys()] }]]);
  return {
    source: await loadAdapter('source', { devices, sites }),
    target: await loadAdapter('target', {
      devices: new Map(),
      sites: new Map([['site-0', { name: 'site-0', region: 'emea', devices: [] }]]),
    }),
  };
}

// ---- The lower bound: what any comparison has to do, on plain values in Maps.

function compare(source, target, attributes, found) {
  for (const attribute of attributes) {
    if (!Object.is(source[attribute], target[attribute])) {
      found.update.push([source, target]);
      return;
    }
  }
}

function boundList(sourceNames, targetNames, source, target, found) {
  const met = new Set(sourceNames);
  for (const name of sourceNames) {
    const [ours, theirs] = [source.get(name), target.get(name)];
    if (theirs === undefined) found.create.push(ours);
    else compare(ours, theirs, ATTRIBUTES, found);
  }
  for (const name of targetNames) if (!met.has(name)) found.delete.push(target.get(name));
}

/** What differs between two plain sides, and nothing else. */
export function bound(source, target) {
  const found = { create: [], update: [], delete: [] };
  if (source.sites.size > 0) {
    for (const [name, ours] of source.sites) {
      const theirs = target.sites.get(name);
      if (theirs === undefined) found.create.push(ours);
      else compare(ours, theirs, ['region'], found);
      boundList(ours.devices, theirs?.devices ?? [], source.devices, target.devices, found);
    }
    for (const [name, theirs] of target.sites) if (!source.sites.has(name)) found.delete.push(theirs);
    return found;
  }
  for (const [name, ours] of source.devices) {
    const theirs = target.devices.get(name);
    if (theirs === undefined) found.create.push(ours);
    else compare(ours, theirs, ATTRIBUTES, found);
  }
  for (const [name, theirs] of target.devices) if (!source.devices.has(name)) found.delete.push(theirs);
  return found;
}
