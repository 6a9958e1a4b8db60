import { describe, expect, it } from '@jest/globals';
import { Diff, type Adapter } from '../../../src/index.js';
import { Device, fill, Interface, Inventory, Warnings } from '../../fixtures/inventory.js';

type Content = Parameters<typeof fill>[1];

async function filled(name: string, content: Content): Promise<Adapter> {
  const adapter = new Inventory({ name, logger: new Warnings() });
  await fill(adapter, content);
  return adapter;
}

async function link(adapter: Adapter, device: string, isLinked: boolean): Promise<void> {
  const [parent, child] = [await adapter.get(Device, device), await adapter.get(Interface, 'e0')];
  if (isLinked) parent.addChild(child);
  else parent.removeChild(child);
}

const both: Content = { nyc: { d1: ['e0'], d2: ['e0'] } };
const first: Content = { nyc: { d1: ['e0'], d2: [] } };

describe('a plan that is stale because of a link', () => {
  it.each([
    ['target', 'gained', both, first],
    ['target', 'lost', both, both],
    ['source', 'gained', first, both],
    ['source', 'lost', both, first],
    ['target', 'gained', first, first],
    ['source', 'gained', first, first],
    ['target', 'lost', first, both],
  ] as const)('names the %s, which has %s it, and the link (%#)', async (side, change, here, there) => {
    const [source, target] = [await filled('source', here), await filled('target', there)];
    const plan = Diff.fromJSON(JSON.parse(JSON.stringify(await target.diffFrom(source))), { target });
    await link(side === 'source' ? source : target, 'd2', change === 'gained');
    await expect(target.syncFrom(source, { diff: plan })).rejects.toMatchObject({
      code: 'DIFF_STALE',
      message: expect.stringMatching(
        new RegExp(
          `^${side} changed since the diff was made, at the link of interface e0 below device d2 below site nyc:`,
        ),
      ),
    });
  });

  it('names what has changed besides, and the object', async () => {
    const [source, target] = [await filled('source', both), await filled('target', first)];
    const plan = Diff.fromJSON(JSON.parse(JSON.stringify(await target.diffFrom(source))), { target });
    await target.update(new Interface({ name: 'e0', mtu: 9000 }));
    await expect(target.syncFrom(source, { diff: plan })).rejects.toThrow(
      'target changed since the diff was made, at interface e0 below device d1 below site nyc: make it again',
    );
  });
});
