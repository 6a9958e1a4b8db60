import { inspect } from 'node:util';
import pMap from 'p-map';
import type { DiffElement } from '../../diff/diff.js';
import {
  DiffSyncError,
  ObjectCrudException,
  ObjectNotCreated,
  ObjectNotDeleted,
  ObjectNotUpdated,
} from '../../errors.js';
import type { DiffSyncAction } from '../../flags.js';
import type { ModelClass } from '../../model/defined-model.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import type { BulkResult, ModelHost } from '../../model/model-hooks.js';
import type { SyncNode } from './sync-plan.js';

/** What a hook did: the model, null for "failed, leave the children alone", or what it threw. */
export type HookOutcome = { readonly model: DiffSyncModel | null } | { readonly error: unknown };

/** An element, and the target's object. */
export interface HookCall {
  readonly node: SyncNode;
  readonly model: DiffSyncModel | undefined;
}

/** How many siblings with one action a model's hooks take at a time. */
export function maxGroupSize({ action, model }: SyncNode, batchSize: number, concurrency: number): number {
  return action !== null && bulkHook(model, action) !== undefined ? batchSize : concurrency;
}

/** Calls the hooks of siblings with one model and action: its bulk hook where it has one, else each one's own. */
export async function callHooks(
  jobs: readonly HookCall[],
  adapter: ModelHost,
  concurrency: number,
): Promise<HookOutcome[]> {
  const [first] = jobs;
  if (first === undefined) return [];
  const { action, model } = first.node;
  if (action !== null && bulkHook(model, action) !== undefined) return callBulk(jobs, model, action, adapter);
  if (jobs.length === 1) return [await callOne(first, adapter)];
  return pMap(jobs, (job) => callOne(job, adapter), { concurrency });
}

async function callOne({ node, model }: HookCall, adapter: ModelHost): Promise<HookOutcome> {
  try {
    check({ node, model });
    const ids = { ...node.element.keys };
    const attrs = newAttrs(node.element);
    // A hook in JavaScript may answer nothing at all.
    const result = (await (model === undefined
      ? node.model.create({ adapter, ids, attrs })
      : node.action === 'update'
        ? model.update(attrs)
        : model.delete())) as DiffSyncModel | null | undefined;
    return { model: result ?? null };
  } catch (error) {
    return { error };
  }
}

async function callBulk(
  jobs: readonly HookCall[],
  model: ModelClass,
  action: DiffSyncAction,
  adapter: ModelHost,
): Promise<HookOutcome[]> {
  const outcomes = new Map<HookCall, HookOutcome>();
  const sent = jobs.filter((job) => {
    try {
      check(job);
      return true;
    } catch (error) {
      outcomes.set(job, { error });
      return false;
    }
  });
  try {
    const results = sent.length === 0 ? [] : await bulkResults(sent, model, action, adapter);
    if (!Array.isArray(results) || results.length !== sent.length) {
      throw new DiffSyncError(
        `${model.name}.${action}Bulk answered ${Array.isArray(results) ? results.length : typeof results} for ${sent.length} ` +
          `objects; it answers one result for each, in their order`,
      );
    }
    for (const [at, job] of sent.entries()) {
      const result = (results as readonly BulkResult[])[at];
      outcomes.set(job, result instanceof Error ? { error: result } : { model: result ?? null });
    }
  } catch (error) {
    for (const job of sent) outcomes.set(job, { error });
  }
  return jobs.map((job) => outcomes.get(job) as HookOutcome);
}

async function bulkResults(
  jobs: readonly HookCall[],
  model: ModelClass,
  action: DiffSyncAction,
  adapter: ModelHost,
): Promise<readonly BulkResult[] | undefined> {
  if (action === 'create') {
    const objects = jobs.map(({ node }) => ({ ids: { ...node.element.keys }, attrs: newAttrs(node.element) }));
    return model.createBulk?.({ adapter, objects });
  }
  if (action === 'update') {
    const objects = jobs.map((job) => ({ model: job.model as DiffSyncModel, attrs: newAttrs(job.node.element) }));
    return model.updateBulk?.({ adapter, objects });
  }
  return model.deleteBulk?.({ adapter, objects: jobs.map((job) => ({ model: job.model as DiffSyncModel })) });
}

/** @throws ObjectCrudException when the target's object does not allow the action. */
function check({ node: { element, action }, model }: HookCall): void {
  const refused = (what: string): string =>
    `Failed to ${action ?? ''} ${element.type} ${inspect({ ...element.keys }, { breakLength: Infinity })} - ${what}`;
  if (action === 'create' && model !== undefined) throw new ObjectNotCreated(refused('it already exists!'));
  if (action === 'update' && model === undefined) throw new ObjectNotUpdated(refused('not found!'));
  if (action === 'delete' && model === undefined) throw new ObjectNotDeleted(refused('not found!'));
}

function newAttrs(element: DiffElement): Record<string, unknown> {
  return { ...element.getAttrsDiffs()['+'] };
}

function bulkHook(model: ModelClass, action: DiffSyncAction): unknown {
  return { create: model.createBulk, update: model.updateBulk, delete: model.deleteBulk }[action];
}

/** The ObjectCrudException that stands for a hook's null. */
export function missingModelError({ element, action }: SyncNode): ObjectCrudException {
  const message = `${element.type} ${action ?? ''} did not return the model object.`;
  if (action === 'create') return new ObjectNotCreated(message);
  return action === 'update' ? new ObjectNotUpdated(message) : new ObjectNotDeleted(message);
}
