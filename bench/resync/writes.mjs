import { Samples, time } from '../measure.mjs';
import { Contents } from './inventory.mjs';
import { openStore } from './sides.mjs';

const WRITTEN = 10_000;
const WARM_UP = 5;
const PASSES = 11;
const METHODS = ['addMany', 'updateMany', 'removeMany'];

/** The bulk writes of 10,000 objects, in milliseconds by method: medians of some passes, after a warm-up. */
export async function measureWrites(job) {
  const contents = new Contents({ shape: 'flat', size: WRITTEN });
  const [added, updated] = [0, 0].map((touched) => [...contents.pages(touched)].flat());
  for (const obj of updated) obj.role = 'spine';
  const objects = { addMany: added, updateMany: updated, removeMany: updated };
  const store = await openStore(job.kind, 'writes', job);
  const samples = new Samples();
  try {
    for (let pass = -WARM_UP; pass < PASSES; pass++) {
      for (const method of METHODS) {
        const { ms } = await time(() => store[method]({ objs: objects[method] }));
        if (pass >= 0) samples.add(method, ms);
      }
    }
  } finally {
    await store.close();
  }
  return samples.medians();
}
