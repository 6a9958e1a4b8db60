import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { LocalStore, type Adapter, type BaseStore } from '../../../src/index.js';
import type { ModelRecord } from '../../../src/record/model-record.js';
import { Device, Inventory, Site } from '../../fixtures/inventory.js';
import { plant, treePairs } from '../../support/random-trees.js';

/** Hands out what is asked for by unique id in pages. */
class PagingStore extends LocalStore {
  pages = 0;
  left = 0;

  constructor(private readonly size: number) {
    super();
  }

  protected override async *readPages(
    model: string,
    uids: readonly string[],
  ): AsyncGenerator<readonly (ModelRecord | undefined)[], void, undefined> {
    try {
      for (let at = 0; at < uids.length; at += this.size) {
        this.pages++;
        yield await this.readRecords(model, uids.slice(at, at + this.size));
      }
    } finally {
      this.left++;
    }
  }
}

async function inventory(name: string, store: BaseStore, devices: readonly string[]): Promise<Adapter> {
  const adapter = new Inventory({ name, store });
  await adapter.addMany([
    new Site({ name: 's', devices: [...devices] }),
    ...devices.map((each) => new Device({ name: each })),
  ]);
  return adapter;
}

describe('a diff of stores that read in pages', () => {
  it('is that of stores that do not, whatever the pages of either', async () => {
    const size = fc.integer({ min: 1, max: 4 });
    await fc.assert(
      fc.asyncProperty(treePairs, size, size, async (sides, ours, theirs) => {
        const diffs: unknown[] = [];
        for (const [from, to] of [
          [new LocalStore(), new LocalStore()],
          [new PagingStore(ours), new PagingStore(theirs)],
        ] as const) {
          const [source, target] = [
            new Inventory({ name: 'source', store: from }),
            new Inventory({ name: 'target', store: to }),
          ];
          await plant(source, sides.source);
          await plant(target, sides.target);
          const diff = await target.diffFrom(source);
          diffs.push([diff.toDict(), diff.toJSON(), diff.summary()]);
        }
        expect(diffs[1]).toEqual(diffs[0]);
      }),
      { numRuns: 100 },
    );
  });

  it('reads past an object that is missing, and compares the others', async () => {
    const [from, to] = [new PagingStore(2), new PagingStore(2)];
    const source = await inventory('source', from, ['a', 'b', 'c', 'd', 'e', 'f']);
    const target = await inventory('target', to, ['f', 'e', 'd', 'c', 'b', 'a']);
    await target.remove(await target.get(Device, 'd'));
    const diff = await target.diffFrom(source);
    expect(diff.danglingLinks.target.map(({ child }) => child)).toEqual([{ model: 'device', uniqueId: 'd' }]);
    expect(diff.summary()).toMatchObject({ create: 1, update: 0, delete: 0 });
  });

  it('ends with its signal between two pages', async () => {
    const [from, to] = [new PagingStore(1), new PagingStore(1)];
    const source = await inventory('source', from, ['a', 'b', 'c']);
    const target = await inventory('target', to, ['a', 'b', 'c']);
    const ended = new AbortController();
    const filters = { device: () => (ended.abort(), true) };
    await expect(target.diffFrom(source, { filters, signal: ended.signal })).rejects.toThrow('Aborted');
    expect([from.pages, to.pages]).toEqual([1, 1]);
  });
});
