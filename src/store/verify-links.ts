import { setTimeout as sleep } from 'node:timers/promises';
import { forEachYielding, giveWay } from '../async/event-loop.js';
import { overridesChildren } from '../model/class-inspection.js';
import { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelRecord } from '../record/model-record.js';
import { childUidsOf } from '../record/record-view.js';
import { findDangling, removeDangling, type ChildLink } from './dangling-links.js';
import { PAGE_SIZE, type StoreCore } from './store-core.js';
import type { VerifyRecordsOptions } from './store-backend.js';
import { isDamage, withProblems, type StoreProblem, type StoreReport } from './verify-report.js';

/** Unique ids by type. */
type UidsByType = Map<string, Set<string>>;

/** A link that dangles is looked at again after so long: a loader may write parents before their children. */
const LOOK_AGAIN_MS = 100;

/**
 * Adds to a report what is wrong with the child lists: links to objects that do not exist, which a repair removes, and objects
 * of child types that no parent lists. The classes that the store knows say what lists children. Only an adapter says which
 * models stand on their own: without one no object counts as unlisted. Nothing is said of a type of which not all objects can
 * be read; nor of unlisted objects where not all parents can. Holds unique ids, and the records of a page.
 */
export async function addLinkProblems(
  core: StoreCore,
  report: StoreReport,
  { repair, signal }: VerifyRecordsOptions,
): Promise<StoreReport> {
  const { topLevel } = core.objects.host ?? {};
  const children = await readChildren(core, signal);
  const candidates: UidsByType = new Map();
  for (const [type, uids] of children) {
    if (topLevel?.includes(type) !== false || uids.size === 0) continue;
    const copy = new Set<string>();
    await forEachYielding(uids, (uid) => copy.add(uid));
    candidates.set(type, copy);
  }
  const suspects = await readLists(core, signal, candidates, children);
  children.clear();
  // What others store and link, or move, while the parents are read is listed when they are read again.
  if (candidates.size > 0) await readLists(core, signal, candidates);
  const problems: StoreProblem[] = await verifyDangling(core, suspects, { repair, signal });
  for (const [model, uids] of candidates) {
    for (const uniqueId of await stillStored(core, model, [...uids], signal)) {
      problems.push({ kind: 'unlisted', model, uniqueId, repaired: false });
    }
  }
  return withProblems(report, problems);
}

/** Looks twice at links that seem to dangle, and once more to repair them. */
async function verifyDangling(
  core: StoreCore,
  suspects: readonly ChildLink[],
  { repair, signal }: VerifyRecordsOptions,
): Promise<StoreProblem[]> {
  const found = await findDangling(core, suspects, signal);
  if (found.length === 0) return [];
  await sleep(LOOK_AGAIN_MS, undefined, signal === undefined ? {} : { signal });
  const dangling = await (repair ? removeDangling : findDangling)(core, found, signal);
  return dangling.map((link) => ({ kind: 'dangling-link', ...link, repaired: repair }));
}

/**
 * Reads the unique ids of all objects of child types. A type without a class and without objects is not the store's: nothing can
 * be said of it.
 */
async function readChildren(core: StoreCore, signal: AbortSignal | undefined): Promise<UidsByType> {
  const { registry } = core.objects;
  const stored = await storedModels(core, signal);
  const types = new Set(registry.all().flatMap((model) => Object.keys(model.getChildrenMapping())));
  const children: UidsByType = new Map();
  for (const type of [...types].toSorted()) {
    if (registry.get(type) === undefined && stored?.has(type) !== true) continue;
    const uids = new Set<string>();
    if (await forEachRecord(core, type, signal, ({ uid }) => uids.add(uid))) children.set(type, uids);
  }
  return children;
}

/** Returns the models that have objects; undefined where the store is too damaged to say which, as its report tells. */
async function storedModels(
  { backend }: StoreCore,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number> | undefined> {
  try {
    return await backend.countAllRecords(signal);
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/**
 * Reads the child lists of all parents. Drops from the candidates what a parent lists, and the types of which not all parents
 * can be read.
 * @param children - the objects of child types; without them only parents of candidates are read.
 * @returns the entries that name none of these objects.
 */
async function readLists(
  core: StoreCore,
  signal: AbortSignal | undefined,
  candidates: UidsByType,
  children?: UidsByType,
): Promise<ChildLink[]> {
  const suspects: ChildLink[] = [];
  for (const parent of core.objects.registry.all()) {
    const overrides = overridesChildren(parent, DiffSyncModel);
    const types = overrides ? [...candidates.keys()] : Object.keys(parent.getChildrenMapping());
    const isNeeded =
      children === undefined ? types.some((type) => candidates.has(type)) : overrides || types.length > 0;
    if (!isNeeded) continue;
    const model = parent.modelName;
    const viewOf = core.objects.viewer(model);
    const isWhole = await forEachRecord(core, model, signal, (record) => {
      const view = viewOf(record);
      for (const [type, field] of Object.entries(view.getChildrenMapping())) {
        const [unlisted, stored] = [candidates.get(type), children?.get(type)];
        for (const uid of childUidsOf(view, field)) {
          unlisted?.delete(uid);
          if (stored?.has(uid) === false)
            suspects.push({ model, uniqueId: record.uid, child: { model: type, uniqueId: uid } });
        }
      }
    });
    for (const type of types) if (!isWhole || candidates.get(type)?.size === 0) candidates.delete(type);
  }
  return suspects;
}

async function stillStored(
  core: StoreCore,
  model: string,
  uids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const stored: string[] = [];
  for (let at = 0; at < uids.length; at += PAGE_SIZE) {
    const page = uids.slice(at, at + PAGE_SIZE);
    const records = await core.backend.readRecords(model, page, signal);
    for (const [index, each] of page.entries()) if (records[index] !== undefined) stored.push(each);
    await giveWay();
  }
  return stored;
}

/** @returns false if not all records can be read, because one is damaged: the report has it already. */
async function forEachRecord(
  { backend }: StoreCore,
  model: string,
  signal: AbortSignal | undefined,
  work: (record: ModelRecord) => void,
): Promise<boolean> {
  try {
    for await (const page of backend.scanRecords(model, PAGE_SIZE, signal)) {
      signal?.throwIfAborted();
      for (const record of page) work(record);
      await giveWay();
    }
    return true;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return false;
  }
}
