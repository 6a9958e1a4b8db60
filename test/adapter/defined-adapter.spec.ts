import { expect, it } from '@jest/globals';
import { Adapter, SerialStore, type ModelRecord } from '../../src/index.js';
import { Address, Group, Host, Network } from '../fixtures/network.js';

it('an adapter class that is defined by its models works as one that declares them', async () => {
  class Defined extends Adapter.define({ models: [Group, Host, Address], topLevel: ['group'] }) {
    override async load() {
      await this.add(new Group({ name: 'g' }));
    }
  }
  const network = new Defined({ name: 'lab' });
  await network.load();
  const diff = await new Defined().diffFrom(network);
  expect([String(network), diff.summary().create, network.topLevel]).toEqual(['Defined "lab"', 1, ['group']]);
  expect(await new Defined().diffFrom(network, { syncAttrs: {}, filters: {} })).toHaveLength(1);
});

it('an adapter and a store may have fields of any name', async () => {
  class Named extends SerialStore {
    readonly engine = 'named';
    readonly records = new Map<string, Map<string, ModelRecord>>();
    override scope(): Named {
      return this;
    }
    protected override async connect(): Promise<void> {}
    protected override async disconnect(): Promise<void> {}
    protected override async probe(): Promise<void> {}
    protected override async listModels(): Promise<string[]> {
      return [...this.records.keys()];
    }
    protected override async listUids(model: string): Promise<string[]> {
      return [...(this.records.get(model)?.keys() ?? [])];
    }
    protected override async readRecord(model: string, uid: string): Promise<ModelRecord | undefined> {
      return this.records.get(model)?.get(uid);
    }
    protected override async writeRecord(model: string, record: ModelRecord): Promise<void> {
      const all = this.records.get(model) ?? new Map<string, ModelRecord>();
      this.records.set(model, all.set(record.uid, record));
    }
    protected override async removeRecord(model: string, uid: string): Promise<boolean> {
      return this.records.get(model)?.delete(uid) ?? false;
    }
  }
  class Logged extends Network {
    readonly logger = 'mine';
  }
  const names = ['objects', 'operations', 'parts', 'core', 'queue', 'state', 'opening', 'closing', 'log', 'options'];
  const store = Object.assign(new Named(), Object.fromEntries(names.map((name) => [name, 'mine'])));
  await store.open();
  const [from, to] = [new Logged(), new Logged({ store })];
  await from.add(new Group({ name: 'g' }));
  expect((await to.syncFrom(from)).operations.get('group')?.create).toEqual(['g']);
  expect(await store.getAll({ model: Group })).toHaveLength(1);
  await store.close();
});
