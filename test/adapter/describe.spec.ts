import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, DiffSyncModel } from '../../src/index.js';
import { MAX_TEXT, textOf } from '../../src/values/bounded-text.js';

class Location extends DiffSyncModel.define({
  name: 'location',
  schema: z.object({ name: z.string(), inner: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  children: { location: 'inner' },
}) {}

class Places extends Adapter {
  static override readonly models = [Location];
  static override readonly topLevel = ['location'];
}

const at = (name: string, ...inner: string[]): Location => new Location({ name, inner });

async function placesOf(...objs: Location[]): Promise<Places> {
  const places = new Places();
  await places.addMany(objs);
  return places;
}

describe('str() of an adapter', () => {
  it('shows each object once, below its parent', async () => {
    const places = await placesOf(at('Gary'), at('Indiana', 'Gary'), at('USA', 'Indiana', 'Indiana'));
    expect(await places.str()).toBe(
      [
        'location',
        '  location: USA: {}',
        '    inner',
        '      location: Indiana: {}',
        '        inner',
        '          location: Gary: {}',
        '            inner: []',
      ].join('\n'),
    );
  });

  it('shows what several parents list below the first, and a cycle as one', async () => {
    const places = await placesOf(
      at('a', 'c'),
      at('b', 'c', 'gone'),
      at('c'),
      at('x', 'y'),
      at('y', 'x'),
      at('z', 'z'),
    );
    expect(await places.str()).toBe(
      [
        'location',
        '  location: a: {}',
        '    inner',
        '      location: c: {}',
        '        inner: []',
        '  location: b: {}',
        '    inner',
        '      location: c (shown above)',
        '      gone (ERROR: details unavailable)',
        '  location: z: {}',
        '    inner',
        '      location: z (a cycle: it is above itself)',
        'location (not below any of the above)',
        '  location: x: {}',
        '    inner',
        '      location: y: {}',
        '        inner',
        '          location: x (a cycle: it is above itself)',
      ].join('\n'),
    );
  });

  it('shows children that are shared at each level once: 40 levels of them in 120 lines', async () => {
    const levels = Array.from({ length: 40 }, (_, level) => {
      const inner = level === 39 ? [] : [`${level + 1}a`, `${level + 1}b`];
      return [at(`${level}a`, ...inner), at(`${level}b`, ...inner)];
    });
    const text = await (await placesOf(...levels.flat())).str();
    expect(text.split('\n').length).toBeLessThan(4 * 80);
  });

  it('takes the text of a class with its own str, and ends in a cycle of them', async () => {
    class Marked extends Location {
      override async str(includeChildren = true, indent = 0): Promise<string> {
        return `${await super.str(includeChildren, indent)} *`;
      }
    }
    class Own extends Adapter {
      static override readonly models = [Marked];
      static override readonly topLevel = ['location'];
    }
    const own = new Own();
    await own.addMany([
      new Marked({ name: 'r', inner: ['a'] }),
      new Marked({ name: 'a', inner: ['b'] }),
      new Marked({ name: 'b', inner: ['a'] }),
    ]);
    const lines = (await own.str()).split('\n');
    expect(lines.filter((line) => line.includes('location: a'))).toEqual([
      '      location: a: {}',
      '              location: a (a cycle: it is above itself) * * *',
    ]);
  });

  it('comes line by line too', async () => {
    const places = await placesOf(at('USA', 'Indiana'), at('Indiana'));
    const lines: string[] = [];
    for await (const line of places.lines(2)) lines.push(line);
    expect(lines.join('\n')).toBe(await places.str(2));
  });
});

describe('str() of an object', () => {
  it('of no adapter, or without children, names them', async () => {
    expect(await at('a', 'b').str()).toBe("location: a: {}\n  inner: [ 'b' ]");
    const places = await placesOf(at('a', 'b'), at('b'));
    expect(await (await places.get(Location, 'a')).str(false)).toBe("location: a: {}\n  inner: [ 'b' ]");
  });
});

describe('a text of bounded length', () => {
  /** The last line comes too late for the text: nobody may ask for it. */
  function* lines(): Generator<string> {
    yield 'first';
    yield 'x'.repeat(MAX_TEXT);
    throw new Error('nothing follows the end');
  }

  it('is cut where it is too long, and says so', () => {
    expect(textOf(lines(), 'lines()')).toBe(`first\n(cut here, at ${MAX_TEXT} characters; lines() has all lines)`);
  });
});

describe('getTreeTraversal()', () => {
  /** A device has interfaces, which have addresses; `address` is the name of their model. */
  function treeOf(address: string): object {
    class Ip extends DiffSyncModel.define({ name: address, schema: z.object({ a: z.string() }), identifiers: ['a'] }) {}
    class Interface extends DiffSyncModel.define({
      name: 'interface',
      schema: z.object({ n: z.string(), ips: z.array(z.string()).default([]) }),
      identifiers: ['n'],
      children: { [address]: 'ips' },
    }) {}
    class Device extends DiffSyncModel.define({
      name: 'device',
      schema: z.object({ n: z.string(), ports: z.array(z.string()).default([]) }),
      identifiers: ['n'],
      children: { interface: 'ports' },
    }) {}
    class Inventory extends Adapter {
      static override readonly models = [Device, Interface, Ip];
      static override readonly topLevel = ['device'];
    }
    return new Inventory().getTreeTraversal(true);
  }

  it.each(['ip', 'address'])('has a nested model below its parent alone, whatever its name (%s)', (name) => {
    expect(JSON.stringify(treeOf(name))).toBe(JSON.stringify({ device: { interface: { [name]: {} } } }));
  });
});
