import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { DiffSyncModel } from '../../src/index.js';
import { ModelRegistry } from '../../src/model/model-registry.js';

const schema = z.object({ name: z.string() });
class Device extends DiffSyncModel.define({ name: 'device', schema, identifiers: ['name'] }) {}
class CmdbDevice extends Device {}
class OtherDevice extends DiffSyncModel.define({ name: 'device', schema, identifiers: ['name'] }) {}

describe('ModelRegistry', () => {
  it('register() replaces the class of a name, learn() does not', () => {
    const registry = new ModelRegistry();
    registry.learn(Device);
    registry.learn(OtherDevice);
    expect(registry.get('device')).toBe(Device);
    registry.register(OtherDevice);
    expect(registry.get('device')).toBe(OtherDevice);
  });

  it('get() of a name that is a property of every object returns undefined', () => {
    expect(new ModelRegistry().get('constructor')).toBeUndefined();
    expect(new ModelRegistry().get('__proto__')).toBeUndefined();
  });

  it('resolve() returns the registered class where it is a subclass of the one asked for', () => {
    const registry = new ModelRegistry();
    expect(registry.resolve(Device)).toBe(Device);
    registry.register(CmdbDevice);
    expect(registry.resolve(Device)).toBe(CmdbDevice);
    expect(registry.resolve(CmdbDevice)).toBe(CmdbDevice);
    expect(registry.resolve(OtherDevice)).toBe(OtherDevice);
  });

  it('parentsFirst() puts models before those of their children, also where one in between is not asked for', () => {
    const define = (name: string, children: Record<string, string>) =>
      class extends DiffSyncModel.define({
        name,
        schema: z.object({ name: z.string(), below: z.array(z.string()).default([]) }),
        identifiers: ['name'],
        children: children as Record<string, 'below'>,
      }) {};
    const registry = new ModelRegistry();
    for (const model of [define('c', {}), define('a', { b: 'below' }), define('b', { c: 'below' })])
      registry.learn(model);
    expect(registry.parentsFirst(['c', 'b', 'a'])).toEqual(['a', 'b', 'c']);
    expect(registry.parentsFirst(['c', 'a'])).toEqual(['a', 'c']);
    expect(registry.parentsFirst(['x', 'c', 'y'])).toEqual(['x', 'c', 'y']);
    registry.register(define('c', { a: 'below' }));
    expect(registry.parentsFirst(['c', 'b', 'a']).toSorted()).toEqual(['a', 'b', 'c']);
  });
});
