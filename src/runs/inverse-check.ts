import { Pace } from '../async/event-loop.js';
import type { ChangedObject } from '../diff/diff-changes.js';
import { checkAborted, type Side } from '../engine/side.js';
import { runMaybeAsync } from '../model/maybe-async.js';
import { parsingFields } from '../model/parse-fields.js';
import type { ModelRecord } from '../record/model-record.js';
import { isDeepEqual } from '../values/deep-equal.js';
import type { InverseNode, InverseTree } from './inverse-tree.js';
import { readRecords, type Records } from './read-records.js';

/** An object that is not as the run has left it. */
export interface ChangedSince {
  readonly node: InverseNode;
  readonly reason: string;
}

/**
 * Looks whether the target is as the changes have left it, and completes the tree with links to what recreated objects listed
 * before and what is still there.
 * @returns what has changed since.
 */
export async function checkInverse(tree: InverseTree, target: Side, signal: AbortSignal): Promise<ChangedSince[]> {
  await target.store.flush();
  const former = [...tree.formerChildren()];
  const parents = tree.nodes.flatMap(({ above }) => tree.nodes[above] ?? []);
  const records = await readRecords(target.store, [...tree.nodes, ...parents, ...former], signal);
  const changed: ChangedSince[] = [];
  const created = new Set<string>();
  for (const { element, model, uid } of tree.nodes) {
    if (element.action === 'create' && !element.linkOnly) created.add(`${model} ${uid}`);
  }
  // They went with a parent, without a change of their own: nothing of theirs can be taken back.
  const lost = new Map<string, ChangedObject>();
  for (const { model, uid } of former) {
    const key = `${model} ${uid}`;
    if (records.get(model)?.has(uid) !== true && !created.has(key)) lost.set(key, { model, uid });
  }
  const check = new InverseCheck(tree, target, records, created);
  const pace = new Pace();
  /** The nodes of what is lost, and of what is lost with them: it has nothing to be below. */
  const lostNodes = new Set<number>();
  for (const [at, node] of tree.nodes.entries()) {
    const due = pace.yieldIfDue();
    if (due !== undefined) {
      await due;
      checkAborted(signal);
    }
    const { element, model, uid } = node;
    const isBelowLost = lostNodes.has(node.above) && element.action === 'create';
    if (isBelowLost || lost.has(`${model} ${uid}`)) {
      lostNodes.add(at);
      if (isBelowLost && !element.linkOnly)
        tree.unrestored.push({ model, uid, reason: 'its parent cannot be restored' });
      element.sourceAttrs = element.destAttrs = {};
      continue;
    }
    if (check.isLinkedStill(node)) {
      element.sourceAttrs = element.destAttrs = {};
      continue;
    }
    const reason = await check.reason(at, node);
    if (reason !== undefined) changed.push({ node, reason });
  }
  for (const child of former) {
    if (!lost.has(`${child.model} ${child.uid}`) && !lostNodes.has(child.above)) tree.link(child);
  }
  const reason = 'it was removed with its parent, with all that was below it, and the history has no change of it';
  for (const object of lost.values()) tree.unrestored.push({ ...object, reason });
  return changed;
}

class InverseCheck {
  constructor(
    private readonly tree: InverseTree,
    private readonly target: Side,
    private readonly records: Records,
    private readonly created: ReadonlySet<string>,
  ) {}

  /** Whether a link that the run may have removed, without a change of its own, is there: nothing is to be taken back. */
  isLinkedStill(node: InverseNode): boolean {
    const { element, change } = node;
    const above = this.tree.nodes[node.above];
    const mayBeGone =
      element.linkOnly && element.action === 'create' && change !== undefined && change.result !== 'done';
    return mayBeGone && above !== undefined && this.lists(above, node);
  }

  /** Returns why an object is not as the run has left it. */
  async reason(at: number, node: InverseNode): Promise<string | undefined> {
    const { element, model, change } = node;
    if (change === undefined) return undefined;
    const record = this.record(node);
    const { action, linkOnly } = element;
    const above = this.tree.nodes[node.above];
    if (linkOnly) return this.linkReason(node, action === 'create');
    if (action === 'create') {
      if (record !== undefined && !change.moves) return 'there is one again';
      const isParentThere = above === undefined || this.isCreated(above) || this.record(above) !== undefined;
      return isParentThere ? undefined : `its parent ${above.model} ${above.uid} is gone`;
    }
    if (record === undefined) return 'it is gone';
    const changed = await this.changedAttribute(model, record, change.new ?? {}, change.secrets);
    if (changed !== undefined) return `its ${changed} is another`;
    if (action !== 'delete') return undefined;
    if (above !== undefined && !this.lists(above, node)) return `${above.model} ${above.uid} does not list it any more`;
    const child = this.otherChild(at, model, record);
    return child === undefined ? undefined : `it has the ${child.model} ${child.uid} below it`;
  }

  private linkReason(node: InverseNode, isLinked: boolean): string | undefined {
    const above = this.tree.nodes[node.above];
    if (above === undefined) return 'it has no parent';
    if (!isLinked) return this.lists(above, node) ? undefined : `${above.model} ${above.uid} does not list it any more`;
    if (this.record(node) === undefined && !this.isCreated(node)) return 'it is gone';
    if (this.isCreated(above)) return undefined;
    if (this.record(above) === undefined) return `${above.model} ${above.uid} is gone`;
    return this.lists(above, node) ? `${above.model} ${above.uid} lists it again` : undefined;
  }

  private async changedAttribute(
    model: string,
    { data }: ModelRecord,
    then: Readonly<Record<string, unknown>>,
    secrets: readonly string[],
  ): Promise<string | undefined> {
    const names = Object.keys(then).filter((name) => !secrets.includes(name));
    const differing = names.filter((name) => !isDeepEqual(data[name], then[name]));
    if (differing.length === 0) return undefined;
    // The history has what the source had: the target's schema may have made something else of it.
    const definition = this.target.modelClasses.get(model)?.definition;
    if (definition === undefined) return differing[0];
    const { values } = await runMaybeAsync(parsingFields(definition, { ...data, ...then }, differing));
    return differing.find((name) => !isDeepEqual(data[name], values[name]));
  }

  /** Returns a child that the object lists and that is not taken back with it. */
  private otherChild(at: number, model: string, { data }: ModelRecord): ChangedObject | undefined {
    for (const [type, field] of Object.entries(this.target.modelClasses.get(model)?.getChildrenMapping() ?? {})) {
      const uids = data[field];
      for (const uid of Array.isArray(uids) ? uids.map(String) : []) {
        const isTaken = [false, true].some((linkOnly) => this.tree.actionAt(at, type, uid, linkOnly) === 'delete');
        if (!isTaken) return { model: type, uid };
      }
    }
    return undefined;
  }

  private lists(above: ChangedObject, { model, uid }: ChangedObject): boolean {
    const field = this.target.modelClasses.get(above.model)?.getChildrenMapping()[model];
    const uids = field === undefined ? undefined : this.record(above)?.data[field];
    return Array.isArray(uids) && uids.includes(uid);
  }

  private isCreated({ model, uid }: ChangedObject): boolean {
    return this.created.has(`${model} ${uid}`);
  }

  private record({ model, uid }: ChangedObject): ModelRecord | undefined {
    return this.records.get(model)?.get(uid);
  }
}
