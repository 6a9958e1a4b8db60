import type { Adapter, RunLoad } from 'nestjs-diffsync';
import { MirroredRegistry } from './registry.adapters.js';

/**
 * How every run is made, by `npm start` and from the board: a registry is loaded anew, but what an earlier run has left of the mirrored one
 * in a store that lasts is gone on with.
 */
export async function runOptions({
  source,
  target,
}: {
  readonly source: Adapter;
  readonly target: Adapter;
}): Promise<{ load: RunLoad }> {
  if (await isKept(source)) return { load: 'target' };
  return { load: (await isKept(target)) ? 'source' : 'both' };
}

async function isKept(registry: Adapter): Promise<boolean> {
  return registry instanceof MirroredRegistry && (await registry.store.count()) > 0;
}
