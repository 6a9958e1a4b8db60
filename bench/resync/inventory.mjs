import { entryPoint } from '../build.mjs';
import { ATTRIBUTES, device, trusting } from '../inventories.mjs';

const { Adapter, DiffSyncModel } = await entryPoint('.');

/** Of so many places one gets another object, which is a create and a delete, and the others' objects are updated: 8 in 10. */
const PLACES_PER_REPLACEMENT = 9;
const CHANGES_PER_PLACES = 10 / PLACES_PER_REPLACEMENT;
/** Objects in one bulk write. */
const PAGE = 10_000;
/** Attributes that only the target knows: an id that it gave, and when it was written. */
const OWN = ['remoteKey', 'syncedAt'];

/** Of `size` objects, how many have parents, and how many parents: the rest is at the top. */
const SHAPES = {
  flat: () => ({ children: 0, parents: 0, top: (size) => size }),
  tree: (size) => ({ children: size, parents: Math.min(500, size), top: () => 0 }),
  mixed: (size) => ({ children: size / 5, parents: Math.ceil(size / 25), top: () => size - size / 5 }),
};

/** The models of a side. @param own names of attributes that only this side has. */
function modelsOf(own) {
  const leaf = (name) => ({ name, schema: trusting, identifiers: ['name'], attributes: [...ATTRIBUTES, ...own] });
  class Device extends DiffSyncModel.define(leaf('device')) {}
  class Port extends DiffSyncModel.define(leaf('port')) {}
  class Site extends DiffSyncModel.define({
    name: 'site',
    schema: trusting,
    identifiers: ['name'],
    attributes: ['region'],
    children: { port: 'ports' },
  }) {}
  class Inventory extends Adapter {
    static models = [Site, Port, Device];
    static topLevel = ['site', 'device'];
  }
  return { Device, Port, Site, Inventory };
}

const PLAIN = modelsOf([]);
const EXTENDED = modelsOf(OWN);

/**
 * What a side holds is a function of its shape and of one number: how many places were touched since the beginning, in an order
 * that spreads them. So each process knows it, whichever builds and processes wrote before.
 */
export class Contents {
  #order;

  constructor({ shape, size, extended = false }) {
    const { children, parents, top } = SHAPES[shape](size);
    this.children = Math.floor(children);
    this.parents = parents;
    this.places = this.children + Math.floor(top(size));
    this.objects = this.places + parents;
    this.models = extended ? EXTENDED : PLAIN;
    this.extended = extended;
    this.#order = spread(this.places);
  }

  /** How many places are touched where a share of all objects changes. */
  touchedBy(share) {
    return Math.max(PLACES_PER_REPLACEMENT, Math.round((share * this.places) / CHANGES_PER_PLACES));
  }

  /** What a diff counts between two moments. */
  expected(from, to) {
    const counts = { create: 0, update: 0, delete: 0 };
    for (let place = 0; place < this.places; place++) {
      if (this.#touches(place, from) === this.#touches(place, to)) continue;
      if (isReplaced(place)) {
        counts.create++;
        counts.delete++;
      } else counts.update++;
    }
    return counts;
  }

  /** All objects of a moment, parents first, in pages of one model. */
  *pages(touched) {
    const { Site, Port, Device } = this.models;
    yield* inPages(Site, this.#sites(numbersTo(0, this.parents), touched));
    yield* inPages(Port, this.#leaves(numbersTo(0, this.children), touched));
    yield* inPages(Device, this.#leaves(numbersTo(this.children, this.places), touched));
  }

  /** What happens between two moments, as bulk writes in pages: `write(method, objects)`. */
  async change(from, to, write) {
    const changed = numbersTo(0, this.places).filter(
      (place) => this.#touches(place, from) !== this.#touches(place, to),
    );
    const { Site, Port, Device } = this.models;
    for (const [model, isOurs] of [
      [Port, (place) => place < this.children],
      [Device, (place) => place >= this.children],
    ]) {
      const updated = changed.filter((place) => isOurs(place) && !isReplaced(place));
      const replaced = changed.filter((place) => isOurs(place) && isReplaced(place));
      for (const page of inPages(model, this.#leaves(updated, to))) await write('updateMany', page);
      for (const page of inPages(model, this.#leaves(replaced, to))) await write('addMany', page);
      for (const page of inPages(model, this.#leaves(replaced, from))) await write('removeMany', page);
    }
    const relisted = changed.filter((place) => place < this.children && isReplaced(place));
    const sites = [...new Set(relisted.map((place) => this.#parentOf(place)))];
    for (const page of inPages(Site, this.#sites(sites, to))) await write('updateMany', page);
  }

  #parentOf(place) {
    return Math.floor((place * this.parents) / this.children);
  }

  *#sites(numbers, touched) {
    const firstOf = (site) => Math.ceil((site * this.children) / this.parents);
    for (const number of numbers) {
      const ports = numbersTo(firstOf(number), firstOf(number + 1)).map((place) => this.#nameOf(place, touched));
      yield { name: `site-${number}`, region: 'emea', ports };
    }
  }

  *#leaves(places, touched) {
    for (const place of places) {
      const times = this.#touches(place, touched);
      const fields = { ...device(this.#nameOf(place, touched), place, false), role: `role-${times}` };
      yield this.extended ? { ...fields, remoteKey: `rk-${place}`, syncedAt: '2026-01-01T00:00:00Z' } : fields;
    }
  }

  #nameOf(place, touched) {
    const name = `device-${String(place).padStart(6, '0')}`;
    return isReplaced(place) ? `${name}.${this.#touches(place, touched)}` : name;
  }

  /** How often a place was touched: each once, before any is touched again. */
  #touches(place, touched) {
    return Math.ceil((touched - this.#order[place]) / this.places);
  }
}

function isReplaced(place) {
  return place % PLACES_PER_REPLACEMENT === PLACES_PER_REPLACEMENT - 1;
}

/** By place, when it is touched: steps of the golden ratio leave no part of the places out. */
function spread(places) {
  let step = Math.max(1, Math.round(places * 0.618));
  while (commonDivisor(step, places) !== 1) step++;
  const order = new Uint32Array(places);
  for (let at = 0; at < places; at++) order[(at * step) % places] = at;
  return order;
}

function commonDivisor(a, b) {
  return b === 0 ? a : commonDivisor(b, a % b);
}

function numbersTo(from, end) {
  return Array.from({ length: Math.max(0, end - from) }, (_, at) => from + at);
}

/** As a system's answer would be: parsed from text, so that no string is shared or still in pieces. */
function* inPages(Model, plain) {
  let page = [];
  const objects = () => JSON.parse(JSON.stringify(page)).map((fields) => Model.hydrate(fields));
  for (const fields of plain) {
    if (page.push(fields) < PAGE) continue;
    yield objects();
    page = [];
  }
  if (page.length > 0) yield objects();
}
