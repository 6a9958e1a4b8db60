/** A process that syncs parts of one target again and again until it is killed. Also: what its sources hold. */
import { LocalStore } from '../../../src/index.js';
import { SILENT_LOGGER } from '../../../src/logging/logger.js';
import { RedisStore } from '../../../src/store/redis/index.js';
import { Device, Interface, Inventory, Site } from '../../fixtures/inventory.js';

export const SITES = Array.from({ length: 8 }, (_, at) => `site${at}`);
/** Sites that one sync covers: those of two processes overlap. */
const COVERED = 4;

export interface SyncsWorkerOptions {
  readonly url: string;
  readonly storeId: string;
  readonly seed: number;
}

/** What a process tells after each sync: the code of its failure, '' when it succeeded. */
export interface SyncDone {
  readonly code: string;
  readonly message: string;
}

/** Sites with up to 10 devices, each with up to 5 interfaces: others with another seed. */
export async function sourceOf(sites: readonly string[], seed: number): Promise<Inventory> {
  const source = new Inventory({ name: 'source', store: new LocalStore() });
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (const name of sites) {
    const site = new Site({ name, region: `region${random(3)}` });
    await source.add(site);
    for (let at = 0; at < 10; at++) {
      if (random(3) === 0) continue;
      const device = new Device({ name: `${name}-d${at}`, role: `role${random(3)}` });
      await source.add(device);
      site.addChild(device);
      for (let port = 0; port < 5; port++) {
        if (random(3) === 0) continue;
        const child = new Interface({ name: `${name}-d${at}-e${port}`, mtu: 1500 + random(3) });
        await source.add(child);
        device.addChild(child);
      }
    }
  }
  return source;
}

async function work({ url, storeId, seed }: SyncsWorkerOptions): Promise<never> {
  const store = await RedisStore.connect({ url, storeId, timeout: 5000 });
  const target = new Inventory({ name: 'target', store, logger: SILENT_LOGGER });
  for (let round = 0; ; round++) {
    const first = (seed + round) % SITES.length;
    const covered = Array.from({ length: COVERED }, (_, at) => SITES[(first + at) % SITES.length] as string);
    const source = await sourceOf(covered, seed * 1000 + round);
    const done = await target.syncFrom(source, { filters: { site: ({ name }: Site) => covered.includes(name) } }).then(
      (): SyncDone => ({ code: '', message: '' }),
      (error: unknown): SyncDone => {
        const { code = 'none', message = '' } = error as { code?: string; message?: string };
        return { code, message };
      },
    );
    process.send?.(done);
  }
}

if (process.send !== undefined) process.once('message', (options: SyncsWorkerOptions) => void work(options));
