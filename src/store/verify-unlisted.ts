import { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import type { ModelRecord } from '../record/model-record.js';
import { childUidsOf } from '../record/record-view.js';
import { PAGE_SIZE, type StoreCore } from './store-core.js';
import { isDamage, withProblems, type StoreProblem, type StoreReport } from './verify-report.js';

/** Unique ids by type. */
type UidsByType = Map<string, Set<string>>;

/**
 * Adds to a report the objects of child types that no parent lists. The adapter says which models stand on their own: without
 * one nothing is added; nor for a type of which not all objects, or not all parents, can be read. Holds unique ids, and the
 * records of a page.
 */
export async function addUnlisted(core: StoreCore, report: StoreReport): Promise<StoreReport> {
  const { topLevel } = core.objects.host ?? {};
  if (topLevel === undefined) return report;
  const candidates = await readChildren(core, topLevel);
  // What others store and link, or move, while the parents are read is listed when they are read again.
  for (let times = 0; times < 2 && candidates.size > 0; times++) await dropListed(core, candidates);
  const problems: StoreProblem[] = [];
  for (const [model, uids] of candidates) {
    for (const uniqueId of await stillStored(core, model, [...uids])) {
      problems.push({ kind: 'unlisted', model, uniqueId, repaired: false });
    }
  }
  return withProblems(report, problems);
}

/** Reads the unique ids of all objects of child types. */
async function readChildren(core: StoreCore, topLevel: readonly string[]): Promise<UidsByType> {
  const types = new Set(core.objects.registry.all().flatMap((model) => Object.keys(model.getChildrenMapping())));
  const children: UidsByType = new Map();
  for (const type of [...types].toSorted()) {
    if (topLevel.includes(type)) continue;
    const uids = new Set<string>();
    const isWhole = await forEachRecord(core, type, ({ uid }) => uids.add(uid));
    if (isWhole && uids.size > 0) children.set(type, uids);
  }
  return children;
}

/** Drops what a parent lists, and the types of which not all parents can be read. */
async function dropListed(core: StoreCore, candidates: UidsByType): Promise<void> {
  for (const model of core.objects.registry.all()) {
    const types = overridesChildren(model) ? [...candidates.keys()] : Object.keys(model.getChildrenMapping());
    if (!types.some((type) => candidates.has(type))) continue;
    const viewOf = core.objects.viewer(model.modelName);
    const isWhole = await forEachRecord(core, model.modelName, (record) => {
      const view = viewOf(record);
      for (const [type, field] of Object.entries(view.getChildrenMapping())) {
        const unlisted = candidates.get(type);
        if (unlisted !== undefined) for (const uid of childUidsOf(view, field)) unlisted.delete(uid);
      }
    });
    for (const type of types) if (!isWhole || candidates.get(type)?.size === 0) candidates.delete(type);
  }
}

/** Whether objects of the class may have children of types that the class does not name. */
function overridesChildren({ prototype }: ModelClass): boolean {
  return prototype.getChildrenMapping !== DiffSyncModel.prototype.getChildrenMapping;
}

async function stillStored(core: StoreCore, model: string, uids: readonly string[]): Promise<readonly string[]> {
  const stored: string[] = [];
  for (let at = 0; at < uids.length; at += PAGE_SIZE) {
    const page = uids.slice(at, at + PAGE_SIZE);
    const records = await core.backend.readRecords(model, page);
    stored.push(...page.filter((_, index) => records[index] !== undefined));
  }
  return stored;
}

/** @returns false if not all records can be read, because one is damaged: the report has it already. */
async function forEachRecord(
  { backend }: StoreCore,
  model: string,
  work: (record: ModelRecord) => void,
): Promise<boolean> {
  try {
    for await (const page of backend.scanRecords(model, PAGE_SIZE)) for (const record of page) work(record);
    return true;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return false;
  }
}
