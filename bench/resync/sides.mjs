import { entryPoint } from '../build.mjs';
import { Contents } from './inventory.mjs';
import { PLACES } from './places.mjs';

const { LocalStore } = await entryPoint('.');

/**
 * Opens a store of the measured build.
 * @param changeLog whether it keeps a log of changes; a build that has none does not know the option.
 */
export async function openStore(kind, storeId, { url, path, changeLog }) {
  const log = changeLog ? { changeLog } : {};
  if (kind === 'local') return new LocalStore();
  if (kind === 'redis') return (await entryPoint('./redis')).RedisStore.connect({ url, storeId, ...log });
  return (await entryPoint('./sqlite')).SqliteStore.connect({ path, storeId, ...log });
}

/** Opens both sides of a job, of which the source is loaded where it keeps nothing from one process to the next. */
export async function openSides(job) {
  const { shape, size } = job;
  const { extended } = PLACES[job.place];
  const source = await openSide('source', new Contents({ shape, size }), job);
  const target = await openSide('target', new Contents({ shape, size, extended }), job);
  return { source, target };
}

async function openSide(name, contents, job) {
  const kind = PLACES[job.place][name];
  const adapter = new contents.models.Inventory({ name, store: await openStore(kind, name, job) });
  if (kind === 'local') await load({ adapter, contents }, job.touched);
  return { adapter, contents };
}

export async function load({ adapter, contents }, touched) {
  for (const page of contents.pages(touched)) await adapter.addMany(page);
}
