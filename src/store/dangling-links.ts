import { giveWay } from '../async/event-loop.js';
import type { ModelRecord } from '../record/model-record.js';
import { childUidsOf } from '../record/record-view.js';
import { withLinks, type LinkChange, type LinkChanges } from './link-changes.js';
import { PAGE_SIZE, type StoreCore } from './store-core.js';

/** An entry of a parent's child list. */
export interface ChildLink {
  /** The parent's model. */
  readonly model: string;
  /** The parent's unique id. */
  readonly uniqueId: string;
  readonly child: { readonly model: string; readonly uniqueId: string };
}

type LinkFields = ReadonlyMap<ChildLink, string>;

/**
 * Finds those of the links that dangle at this moment: the parent lists the child, and the child does not exist. What another
 * process writes meanwhile is not among them, if it stores a child before its link and unlinks it before it is removed.
 */
export async function findDangling(
  core: StoreCore,
  links: readonly ChildLink[],
  signal?: AbortSignal,
): Promise<ChildLink[]> {
  return [...(await danglingFields(core, links, signal)).keys()];
}

/**
 * Takes those of the links out of their lists that dangle at this moment, by compare-and-set. A child that another process
 * stores meanwhile is linked again.
 * @returns the links that were removed.
 */
export async function removeDangling(
  core: StoreCore,
  links: readonly ChildLink[],
  signal?: AbortSignal,
): Promise<ChildLink[]> {
  const dangling = await danglingFields(core, links, signal);
  signal?.throwIfAborted(); // Links that are taken out are looked at again, so that no signal ends what follows.
  const removed = await changeLists(core, dangling, { unlinked: true, linked: false });
  if (removed.size === 0) return [];
  const missing = new Set(await withoutChild(core, [...removed.keys()]));
  const stored = new Map([...removed].filter(([link]) => !missing.has(link)));
  await changeLists(core, stored, { unlinked: false, linked: true });
  return [...missing];
}

async function danglingFields(
  core: StoreCore,
  links: readonly ChildLink[],
  signal: AbortSignal | undefined,
): Promise<LinkFields> {
  const fields = await listingFields(core, await withoutChild(core, links, signal), signal);
  const missing = await withoutChild(core, [...fields.keys()], signal);
  return new Map(missing.map((link) => [link, fields.get(link) as string]));
}

/** Returns those of the links whose child does not exist. */
async function withoutChild(core: StoreCore, links: readonly ChildLink[], signal?: AbortSignal): Promise<ChildLink[]> {
  const missing: ChildLink[] = [];
  for (const [model, some] of groupBy(links, ({ child }) => child.model)) {
    const records = await readByUid(core, model, new Set(some.map(({ child }) => child.uniqueId)), signal);
    for (const link of some) if (!records.has(link.child.uniqueId)) missing.push(link);
  }
  return missing;
}

/** Returns those of the links that their parents have, with the fields that list the children. */
async function listingFields(
  core: StoreCore,
  links: readonly ChildLink[],
  signal: AbortSignal | undefined,
): Promise<LinkFields> {
  const fields = new Map<ChildLink, string>();
  for (const [model, some] of groupBy(links, (link) => link.model)) {
    const viewOf = core.objects.viewer(model);
    const records = await readByUid(core, model, new Set(some.map(({ uniqueId }) => uniqueId)), signal);
    for (const [uid, own] of groupBy(some, ({ uniqueId }) => uniqueId)) {
      const record = records.get(uid);
      if (record === undefined) continue;
      const view = viewOf(record);
      const mapping = view.getChildrenMapping();
      for (const [type, sameType] of groupBy(own, ({ child }) => child.model)) {
        const field = Object.hasOwn(mapping, type) ? mapping[type] : undefined;
        if (field === undefined) continue;
        const listed = new Set(childUidsOf(view, field));
        for (const link of sameType) if (listed.has(link.child.uniqueId)) fields.set(link, field);
      }
    }
  }
  return fields;
}

/** @returns the links of which a parent's list was changed. */
async function changeLists(core: StoreCore, links: LinkFields, change: LinkChange): Promise<Map<ChildLink, string>> {
  const changed = new Map<ChildLink, string>();
  for (const [model, some] of groupBy([...links.keys()], (link) => link.model)) {
    const byParent = groupBy(some, ({ uniqueId }) => uniqueId);
    const modify = (uid: string, current: ModelRecord | undefined): ModelRecord | undefined => {
      const own = byParent.get(uid) ?? [];
      // The store calls this again when the record has changed since.
      for (const link of own) changed.delete(link);
      if (current === undefined) return undefined;
      const lists: LinkChanges = new Map();
      for (const [field, sameField] of groupBy(own, (link) => links.get(link) as string)) {
        const listed = listedIn(current, field);
        const changes = new Map<string, LinkChange>();
        for (const link of sameField) {
          if (listed.has(link.child.uniqueId) === change.linked) continue;
          changed.set(link, field);
          changes.set(link.child.uniqueId, change);
        }
        if (changes.size > 0) lists.set(field, changes);
      }
      return lists.size === 0 ? undefined : withLinks(current, lists);
    };
    const uids = [...byParent.keys()];
    for (let at = 0; at < uids.length; at += PAGE_SIZE) {
      await core.backend.modifyRecords(model, uids.slice(at, at + PAGE_SIZE), modify);
    }
  }
  return changed;
}

function listedIn({ data }: ModelRecord, field: string): ReadonlySet<unknown> {
  const list = data[field];
  return new Set(Array.isArray(list) ? list : []);
}

async function readByUid(
  { backend }: StoreCore,
  model: string,
  wanted: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, ModelRecord>> {
  const found = new Map<string, ModelRecord>();
  const uids = [...wanted];
  for (let at = 0; at < uids.length; at += PAGE_SIZE) {
    signal?.throwIfAborted();
    for (const record of await backend.readRecords(model, uids.slice(at, at + PAGE_SIZE), signal)) {
      if (record !== undefined) found.set(record.uid, record);
    }
    await giveWay();
  }
  return found;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
