import { expect, it } from '@jest/globals';
import { Adapter } from '../../src/index.js';
import { Address, Group, Host } from '../fixtures/network.js';

it('an adapter class that is defined by its models works as one that declares them', async () => {
  class Network extends Adapter.define({ models: [Group, Host, Address], topLevel: ['group'] }) {
    override async load() {
      await this.add(new Group({ name: 'g' }));
    }
  }
  const network = new Network({ name: 'lab' });
  await network.load();
  const diff = await new Network().diffFrom(network);
  expect([String(network), diff.summary().create, network.topLevel]).toEqual(['Network "lab"', 1, ['group']]);
  expect(await new Network().diffFrom(network, { syncAttrs: {}, filters: {} })).toHaveLength(1);
});
