import { inspect } from 'node:util';
import type { DiffElement } from '../../diff/diff.js';
import {
  DiffSyncError,
  ModelValidationError,
  ObjectCrudException,
  ObjectNotCreated,
  ObjectNotDeleted,
  ObjectNotUpdated,
} from '../../errors.js';
import type { DiffSyncAction } from '../../flags.js';
import { traced } from '../../logging/channels.js';
import {
  DiffSyncModel,
  type BulkResult,
  type CreateItem,
  type HookContext,
  type ModelHost,
} from '../../model/diffsync-model.js';
import type { ModelClass } from '../../model/model-class.js';
import { markParsed } from '../../model/parsed-values.js';
import { issuesText } from '../../model/schema-issues.js';
import { hideTexts } from '../../values/secret.js';
import { hookChannel, type HookTrace } from '../traces.js';
import { callEach } from './call-each.js';
import { idempotencyKeys } from './idempotency-key.js';
import type { Fault, SyncNode } from './sync-plan.js';

/** What an object fails with. */
export interface HookFailure {
  readonly error: unknown;
  /** The text of the error, where it may have secret values of other objects than this one: without them. */
  readonly reason?: string;
}

/** The outcome of a hook: the model, null if it failed and the children are left alone, or what it threw. */
export type HookOutcome = { readonly model: DiffSyncModel | null } | HookFailure;

/** For whom hooks are called. */
export interface HookCaller {
  readonly adapter: ModelHost;
  /** The id of the run, or of the sync that is no part of one. */
  readonly runId: string;
}

/** A node whose hook is called, and the target's object. */
export interface HookCall {
  readonly node: SyncNode;
  readonly model: DiffSyncModel | undefined;
  /** Why the object fails without a call of its hook. */
  readonly fault: Fault | undefined;
}

/** Single hooks are called for so many objects, as a multiple of `concurrency`, before what they did is saved. */
const ROUNDS = 8;
/** At most so many, unless `concurrency` is more. */
const MAX_SINGLE = 500;

/** Whether a bulk hook is called for a node. */
export function hasBulkHook({ action, model, element }: SyncNode): boolean {
  return action !== null && !element.linkOnly && bulkHook(model, action) !== undefined;
}

/** Returns how many objects with one model and action share a call of `callHooks`. */
export function maxBatchSize(node: SyncNode, batchSize: number, concurrency: number): number {
  return hasBulkHook(node) ? batchSize : Math.max(concurrency, Math.min(ROUNDS * concurrency, MAX_SINGLE));
}

/**
 * Calls the hooks of objects with one model and action: the bulk hook if there is one, else the single hook of each.
 * @param goesOn is called with the outcome of each single hook; after false no further hook is called.
 * @returns by position; undefined where no hook was called.
 */
export async function callHooks(
  calls: readonly HookCall[],
  caller: HookCaller,
  concurrency: number,
  goesOn: (outcome: HookOutcome) => boolean,
): Promise<(HookOutcome | undefined)[]> {
  const [first] = calls;
  if (first === undefined) return [];
  const { action, model } = first.node;
  if (action !== null && bulkHook(model, action) !== undefined) return callBulk(calls, model, action, caller);
  if (calls.length === 1) return [await callOne(first, caller)];
  return callEach(calls, concurrency, (call) => callOne(call, caller), goesOn);
}

async function callOne(call: HookCall, caller: HookCaller): Promise<HookOutcome> {
  const { node, model } = call;
  try {
    checkCall(call);
    const isOwn = overridesHook(call);
    const result = await (isOwn && hookChannel.hasSubscribers
      ? tracedHook(call, caller)
      : callHook(call, caller.adapter, isOwn ? contextOf(node, caller.runId) : undefined));
    return outcomeOf(node, model === undefined ? 'create' : (node.action ?? ''), result);
  } catch (error) {
    return { error };
  }
}

/** Apart, so that a call without a subscriber makes no closure. */
function tracedHook(call: HookCall, { adapter, runId }: HookCaller): Promise<unknown> {
  const trace = traceOf([call], call.node.action ?? 'create', '', adapter);
  return traced(hookChannel, trace, () => callHook(call, adapter, contextOf(call.node, runId)));
}

/** @param context undefined for a hook that is this package's own, which needs no key: to make one takes longer than the hook. */
function callHook({ node, model }: HookCall, adapter: ModelHost, context: HookContext | undefined): Promise<unknown> {
  if (model === undefined) return node.model.create({ adapter, ...createItem(node), ...context });
  return node.action === 'update' ? model.update(newAttrs(node.element), context) : model.delete(context);
}

function contextOf({ element, action, uid }: SyncNode, runId: string): HookContext {
  return { idempotencyKey: idempotencyKeys(runId, action ?? 'create', element.type)(uid) };
}

async function callBulk(
  calls: readonly HookCall[],
  model: ModelClass,
  action: DiffSyncAction,
  caller: HookCaller,
): Promise<HookOutcome[]> {
  const outcomes = Array.from<HookOutcome>({ length: calls.length });
  /** The calls that are made, and where they stand among all. */
  const checked: HookCall[] = [];
  const positions: number[] = [];
  for (const [at, call] of calls.entries()) {
    try {
      checkCall(call);
      checked.push(call);
      positions.push(at);
    } catch (error) {
      outcomes[at] = { error };
    }
  }
  try {
    const results = checked.length === 0 ? [] : await bulkResults(checked, model, action, caller);
    if (!Array.isArray(results) || results.length !== checked.length) {
      throw new DiffSyncError(
        `${model.name}.${action}Bulk answered ${Array.isArray(results) ? results.length : typeof results} for ${checked.length} ` +
          `objects; it answers one result for each, in their order`,
      );
    }
    const hook = `${action}Bulk`;
    const failureOf = bulkFailure(checked);
    for (const [index, at] of positions.entries()) {
      const result: unknown = results[index];
      outcomes[at] =
        result instanceof Error ? failureOf(result) : outcomeOf((calls[at] as HookCall).node, hook, result);
    }
  } catch (error) {
    const failure = bulkFailure(checked)(error);
    for (const at of positions) outcomes[at] = failure;
  }
  return outcomes;
}

/** Returns what makes failures of a bulk hook's errors: each may repeat what the hook was given of any of its objects. */
function bulkFailure(calls: readonly HookCall[]): (error: unknown) => HookFailure {
  let secrets: ReadonlySet<string> | undefined;
  return (error) => {
    secrets ??= new Set(calls.flatMap(({ node }) => [...node.element.secretTexts()]));
    return { error, reason: hideTexts(errorText(error), secrets) };
  };
}

/** Returns what a hook's error says. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : inspect(error);
}

/** Whether a single hook is the user's own: what this package does in its place is no call of a hook to those who look on. */
function overridesHook({ node, model }: HookCall): boolean {
  if (model === undefined) return node.model.create !== DiffSyncModel.create;
  const hook = node.action === 'update' ? 'update' : 'delete';
  return model[hook] !== DiffSyncModel.prototype[hook];
}

function bulkResults(
  calls: readonly HookCall[],
  model: ModelClass,
  action: DiffSyncAction,
  caller: HookCaller,
): Promise<readonly BulkResult[] | undefined> {
  const hook = (): Promise<readonly BulkResult[] | undefined> => callBulkHook(calls, model, action, caller);
  return hookChannel.hasSubscribers
    ? traced(hookChannel, traceOf(calls, action, 'Bulk', caller.adapter), hook)
    : hook();
}

function traceOf(calls: readonly HookCall[], action: DiffSyncAction, kind: '' | 'Bulk', adapter: ModelHost): HookTrace {
  const uids = calls.map(({ node }) => node.uid);
  const model = calls[0]?.node.element.type ?? '';
  return { hook: `${action}${kind}`, action, model, target: adapter.name, size: uids.length, uids };
}

async function callBulkHook(
  calls: readonly HookCall[],
  model: ModelClass,
  action: DiffSyncAction,
  { adapter, runId }: HookCaller,
): Promise<readonly BulkResult[] | undefined> {
  const keyOf = idempotencyKeys(runId, action, (calls[0] as HookCall).node.element.type);
  if (action === 'create') {
    const objects = calls.map(({ node }): CreateItem => {
      const { ids, attrs } = createItem(node);
      return { ids, attrs, idempotencyKey: keyOf(node.uid) };
    });
    return model.createBulk?.({ adapter, objects });
  }
  if (action === 'delete') {
    const objects = calls.map(({ node, model: stored }) => ({
      model: stored as DiffSyncModel,
      idempotencyKey: keyOf(node.uid),
    }));
    return model.deleteBulk?.({ adapter, objects });
  }
  const objects = calls.map(({ node, model: stored }) => ({
    model: stored as DiffSyncModel,
    idempotencyKey: keyOf(node.uid),
    attrs: newAttrs(node.element),
  }));
  return model.updateBulk?.({ adapter, objects });
}

/** Reads what a hook has answered. One that is written in JavaScript may answer undefined, or what is no model. */
function outcomeOf({ model }: SyncNode, hook: string, answer: unknown): HookOutcome {
  if (answer === undefined || answer === null) return { model: null };
  if (answer instanceof DiffSyncModel) return { model: answer };
  const given =
    typeof answer === 'object' ? `an object of ${answer.constructor?.name ?? 'no class'}` : `a ${typeof answer}`;
  return {
    error: new DiffSyncError(
      `the hook ${model.name}.${hook} answered ${given}, which is no model; it answers the object of the model, or null for ` +
        `"failed"`,
    ),
  };
}

/** @throws what the object fails with before its hook is called. */
function checkCall(call: HookCall): void {
  if (call.fault !== undefined) throw call.fault.error;
  checkAction(call);
}

/** Checks that the action fits the target's object. @throws ObjectCrudException if not. */
function checkAction({ node: { element, action }, model }: HookCall): void {
  const refused = (what: string): string =>
    `Failed to ${action ?? ''} ${element.type} ${inspect({ ...element.keys }, { breakLength: Infinity })} - ${what}`;
  if (action === 'create' && model !== undefined) throw new ObjectNotCreated(refused('it already exists!'));
  if (action === 'update' && model === undefined) throw new ObjectNotUpdated(refused('not found!'));
  if (action === 'update') checkParsed(element);
  if (action === 'delete' && model === undefined) throw new ObjectNotDeleted(refused('not found!'));
}

/** @throws ModelValidationError where the target's schema refuses a value that the update would set. */
function checkParsed(element: DiffElement): void {
  const { input, type, sourceName } = element;
  if (input?.refused === undefined) return;
  const attrs = newAttrs(element);
  const refused = Object.entries(input.refused).filter(([name]) => Object.hasOwn(attrs, name));
  if (refused.length === 0) return;
  const issues = refused.map(([path, message]) => ({ path, message }));
  throw new ModelValidationError(
    `${type}: the schema of the target refuses what ${sourceName} has: ${issuesText(issues)}`,
    issues,
  );
}

function createItem({ element, model, isParsed }: SyncNode): Omit<CreateItem, keyof HookContext> {
  const item = { ids: { ...(element.input?.ids ?? element.keys) }, attrs: newAttrs(element) };
  if (isParsed) markParsed(item.ids, model.definition.schema);
  return item;
}

/** Returns what the hook is to set: an object of its own, which it may change. */
function newAttrs(element: DiffElement): Record<string, unknown> {
  return element.getAttrsDiffs()['+'] ?? {};
}

function bulkHook(model: ModelClass, action: DiffSyncAction): unknown {
  if (action === 'create') return model.createBulk;
  return action === 'update' ? model.updateBulk : model.deleteBulk;
}

/** Returns the error to report for a hook that returned null. */
export function missingModelError({ element, action }: SyncNode): ObjectCrudException {
  const message = `${element.type} ${action ?? ''} did not return the model object.`;
  if (action === 'create') return new ObjectNotCreated(message);
  return action === 'update' ? new ObjectNotUpdated(message) : new ObjectNotDeleted(message);
}
