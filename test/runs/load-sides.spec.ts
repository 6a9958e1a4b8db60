// Both sides of a run are loaded side by side.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { LocalStore, SyncRunner } from '../../src/index.js';
import { fill, Inventory } from '../fixtures/inventory.js';

class System extends Inventory {
  constructor(
    name: string,
    private readonly loading: (self: System) => Promise<void>,
  ) {
    super({ name, store: new LocalStore() });
  }

  override async load(): Promise<void> {
    await this.loading(this);
  }
}

it('a run whose source fails to load leaves no load of the target behind', async () => {
  let targetBegins: () => void = () => undefined;
  const targetHasBegun = new Promise<void>((resolve) => (targetBegins = resolve));
  let isDown = true;
  let targetIsLoading = false;
  const source = new System('network', async (self) => {
    if (isDown) {
      await targetHasBegun;
      throw new Error('503');
    }
    await fill(self, { nyc: { d1: [] } });
  });
  const target = new System('cmdb', async (self) => {
    targetIsLoading = true;
    targetBegins();
    try {
      for (let page = 0; page < 5; page++) {
        await nextTurn();
        await fill(self, { [`site${page}`]: {} });
      }
    } finally {
      targetIsLoading = false;
    }
  });
  const runner = new SyncRunner();
  await expect(runner.run({ source, target })).rejects.toThrow('503');
  expect(targetIsLoading).toBe(false);
  isDown = false;
  const run = await runner.run({ source, target });
  expect(run.outcome).toBe('succeeded');
});
