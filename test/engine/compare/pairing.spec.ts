import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { doAtOnce } from '../../../src/async/steps.js';
import { matchingUids, pairAt } from '../../../src/engine/compare/pairing.js';
import { Device } from '../../fixtures/inventory.js';

const sides = { src: { name: 'source' }, dst: { name: 'target' } };

function devices(names: readonly string[]): Device[] {
  return names.map((name) => new Device({ name }));
}

function paired(src: readonly string[], dst: readonly string[]): (string | undefined)[][] {
  const matches = doAtOnce(matchingUids(src, dst));
  const [ours, theirs] = [devices(src), devices(dst)];
  return Array.from({ length: src.length + matches.rest.length }, (_, at) => {
    const pair = pairAt(ours, theirs, matches, at, sides);
    return [pair.src?.getUniqueId(), pair.dst?.getUniqueId()];
  });
}

describe('pairs', () => {
  it('come in the order of the source, then in that of the target, whatever the orders', () => {
    const names = fc.uniqueArray(fc.nat(9).map(String));
    fc.assert(
      fc.property(names, names, (src, dst) => {
        expect(paired(src, dst)).toEqual([
          ...src.map((name) => [name, dst.includes(name) ? name : undefined]),
          ...dst.filter((name) => !src.includes(name)).map((name) => [undefined, name]),
        ]);
      }),
    );
  });

  it('have an object of the target once, however many of the source claim its unique id', () => {
    expect(paired(['a', 'a', 'b'], ['b', 'a'])).toEqual([
      ['a', 'a'],
      ['a', undefined],
      ['b', 'b'],
    ]);
  });
});
