// Two systems whose loads bring what a test says, for tests of runs.
import { afterEach } from '@jest/globals';
import { fill, Inventory } from '../fixtures/inventory.js';
import type { RunChange } from '../../src/index.js';
import type { StoreUnderTest } from './stores.js';

export type Sites = Parameters<typeof fill>[1];

/** An inventory that loads these sites. */
export class System extends Inventory {
  sites: Sites = {};
  override async load(): Promise<void> {
    await fill(this, this.sites);
  }
}

/** Returns what makes systems on stores that are closed after each test. */
export function systemsOn({
  open,
  close,
}: Pick<StoreUnderTest, 'open' | 'close'>): (name: string, sites: Sites) => Promise<System> {
  const opened: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of opened.splice(0).toReversed()) await end();
  });
  return async (name, sites) => {
    const store = await open();
    opened.push(async () => close(store));
    const adapter = new System({ store, name });
    adapter.sites = sites;
    return adapter;
  };
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Returns a change in short. */
export const shown = ({ action, model, uid, result }: RunChange): string => `${action} ${model} ${uid} ${result}`;
