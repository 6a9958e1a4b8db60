// Parents with SKIP_CHILDREN_ON_DELETE, of which a child stays because another parent lists it.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { DiffSyncModelFlags } from '../../../src/index.js';
import { Warnings } from '../../fixtures/inventory.js';
import { sized } from '../../support/full.js';
import { elementsOf } from '../../support/random-trees.js';
import { inventoryPairs, Network, plantNetwork, stateOf, storedState } from '../../support/shared-children.js';

const { SKIP_CHILDREN_ON_DELETE, NONE } = DiffSyncModelFlags;

describe('a parent that goes, or moves, with SKIP_CHILDREN_ON_DELETE', () => {
  it('leaves what another parent lists, and one sync settles all', async () => {
    const flagged = inventoryPairs.chain((pair) =>
      fc.record({ pair: fc.constant(pair), some: fc.subarray([...pair.target]) }),
    );
    await fc.assert(
      fc.asyncProperty(flagged, fc.integer({ min: 1, max: 3 }), async ({ pair, some }, concurrency) => {
        const from = new Network({ name: 'source' });
        const to = new Network({ name: 'target', logger: new Warnings() });
        await plantNetwork(from, pair.source);
        await plantNetwork(to, pair.target);
        for (const { type, name } of some) {
          const obj = await to.get(type, name);
          obj.modelFlags = type === 'address' ? NONE : SKIP_CHILDREN_ON_DELETE;
          await to.update(obj);
        }
        const diff = await to.syncFrom(from, { continueOnFailure: true, concurrency });
        expect(diff.errors.map(({ error }) => error.message)).toEqual([]);
        const [found, wanted] = [await storedState(to), stateOf(pair.source)];
        expect([...found.links].toSorted()).toEqual([...wanted.links].toSorted());
        expect(Object.fromEntries(found.objects)).toEqual(Object.fromEntries(wanted.objects));
        const again = elementsOf(await to.diffFrom(from)).filter(({ action }) => action !== null);
        expect(again.map(({ type, name, action }) => `${action} ${type} ${name}`)).toEqual([]);
      }),
      { numRuns: sized(300, 100) },
    );
  });
});
