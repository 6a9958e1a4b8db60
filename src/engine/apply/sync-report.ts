import { ITEMS_PER_STEP, type Steps } from '../../async/steps.js';
import type { DiffElement } from '../../diff/diff.js';
import type { ModelOperations, SyncFailure } from '../../diff/sync-outcome.js';
import { DiffCompareFailed, ObjectCrudException, SyncHookError } from '../../errors.js';
import { DiffSyncFlags, DiffSyncStatus, type DiffSyncAction } from '../../flags.js';
import type { LogParams } from '../../logging/logger.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import { hideMessage } from '../../values/secret.js';
import type { CallbackFailures } from '../callback-failures.js';
import { Progress } from '../progress.js';
import type { RunLogger } from '../run-logger.js';
import { checkAborted, type Side } from '../side.js';
import { errorText, type HookFailure } from './call-hooks.js';
import type { SyncerOptions } from './sync-options.js';
import type { SyncNode, SyncPlan } from './sync-plan.js';

/** What a sync reports: the status of elements, the operations and failures of the diff, and the log. */
export class SyncReport {
  /** The unique ids of changed objects, by model name. */
  readonly operations = new Map<string, ModelOperations>();
  readonly failures: SyncFailure[] = [];
  /** Whether anything was changed. */
  changed = false;
  /** The nodes above a delete that failed -> that delete. */
  private readonly failedBelow = new Map<SyncNode, SyncNode>();
  private readonly flags: DiffSyncFlags;
  private readonly progress: Progress;

  constructor(
    private readonly dst: Side,
    private readonly plan: SyncPlan,
    private readonly options: SyncerOptions,
    private readonly logger: RunLogger,
    callbacks: CallbackFailures,
  ) {
    this.flags = options.flags ?? DiffSyncFlags.NONE;
    this.progress = new Progress('sync', plan.elements, options.onProgress, callbacks);
  }

  /** Clears what an earlier sync with the same diff has set. */
  *clearingStatuses(): Steps<void> {
    const { nodes } = this.plan;
    for (let at = 0; at < nodes.length; at++) {
      if (at % ITEMS_PER_STEP === 0) yield;
      const { element } = nodes[at] as SyncNode;
      element.status = DiffSyncStatus.UNKNOWN;
      element.message = '';
      element.outcome = undefined;
    }
  }

  advance(by: number): void {
    this.progress.advance(by);
  }

  /** Reports that all elements are done. */
  finish(): void {
    this.progress.finish();
  }

  /** Logs what the sync has done: a line for each model, and one for all. */
  logSummary(durationMs: number): void {
    const total = nothingDone();
    const byModel = new Map<string, typeof total>();
    const count = (model: string, what: keyof typeof total, objects: number): void => {
      const counts = byModel.get(model) ?? nothingDone();
      byModel.set(model, counts);
      counts[what] += objects;
      total[what] += objects;
    };
    for (const [model, operations] of this.operations) {
      for (const action of ['create', 'update', 'delete'] as const) count(model, action, operations[action].length);
    }
    for (const { location } of this.failures) count(location.model, 'failed', 1);
    for (const [model, counts] of byModel) this.logger.debug('Model complete', { model, ...counts });
    this.logger.info('Sync complete', { ...total, durationMs: Math.round(durationMs) });
  }

  /** Passes a node without an action of its own. @returns whether to go on with its children. */
  passUnchanged(node: SyncNode, model: DiffSyncModel | undefined): boolean {
    this.logUnchanged(node.element);
    if (model === undefined) {
      this.logMissingObject(node);
      return false;
    }
    this.advance(1);
    return true;
  }

  /** Passes an element without any action at it or below it, as most of a large diff are; the target is not read. */
  passInactive(element: DiffElement): void {
    checkAborted(this.options.signal);
    this.logUnchanged(element);
    this.advance(1);
  }

  logUnchanged(element: DiffElement): void {
    if ((this.flags & DiffSyncFlags.LOG_UNCHANGED_RECORDS) === 0) return;
    const params = logParams({ element, action: null, uid: this.plan.uidOf(element) }, DiffSyncStatus.SUCCESS);
    this.logger.verbose('No changes to apply; no action needed', params);
  }

  logAttempt(node: SyncNode): void {
    const { logger } = this;
    if (logger.isEnabled(2)) logger.verbose(`Attempting model ${node.action ?? ''}`, logParams(node));
  }

  logMissingObject(node: SyncNode): void {
    this.logger.warning('No object resulted from sync, will not process child objects.', logParams(node));
  }

  /** Says of a change, and in the log, why it is left out. @param also what is left out with it. */
  leaveOut(node: SyncNode, reason: string, also = ''): void {
    const { element, uid } = node;
    element.status = DiffSyncStatus.UNKNOWN;
    element.message = `Left out: ${reason}`;
    const what = `${element.linkOnly ? 'the link of ' : ''}${element.type} ${uid}${also === '' ? '' : ` ${also}`}`;
    this.logger.warning(`Leaving out ${what}: ${reason}`, logParams(node));
  }

  /** Whether a failure of the node is recorded. */
  hasFailed({ element }: SyncNode): boolean {
    return element.status === DiffSyncStatus.ERROR || element.status === DiffSyncStatus.FAILURE;
  }

  /** Returns the delete below a node that failed. */
  failedDeleteBelow(node: SyncNode): SyncNode | undefined {
    return this.failedBelow.get(node);
  }

  recordOperation({ element, action, uid }: SyncNode): void {
    if (action === null || element.linkOnly) return;
    let known = this.operations.get(element.type);
    if (known === undefined) this.operations.set(element.type, (known = { create: [], update: [], delete: [] }));
    known[action].push(uid);
  }

  /** Records what a hook threw. @returns the error to throw: one that is no ObjectCrudException is wrapped, and says where. */
  recordFailure(node: SyncNode, failure: HookFailure, status = DiffSyncStatus.ERROR): unknown {
    const { element, uid } = node;
    const { error, reason = element.withoutSecrets(errorText(error)) } = failure;
    const path = this.plan.path(node);
    const action = node.action as DiffSyncAction;
    if (action === 'delete' && !element.linkOnly) this.noteFailedDelete(node);
    const location = { adapter: this.dst.name, action, model: element.type, uniqueId: uid, path };
    if (error instanceof ObjectCrudException) {
      this.setStatus(node, status, reason);
      hideMessage(error, reason);
      this.failures.push({ location, error });
      return error;
    }
    const where = path.length === 0 ? '' : ` below ${path.join(' / ')}`;
    const change = element.linkOnly ? `${action} of the link` : action;
    const message = `${this.dst.name}: ${change} of ${element.type} "${uid}"${where} failed: ${reason}`;
    const wrapped = new SyncHookError(message, location, { cause: error });
    if (this.options.continueOnFailure === true) this.setStatus(node, status, message);
    this.failures.push({ location, error: wrapped });
    return wrapped;
  }

  /** Returns whether the sync goes on after an error that `recordFailure` returned. */
  goesOnAfter(error: unknown): boolean {
    if (this.options.continueOnFailure === true) return true;
    return error instanceof ObjectCrudException && (this.flags & DiffSyncFlags.CONTINUE_ON_FAILURE) !== 0;
  }

  private noteFailedDelete(node: SyncNode): void {
    for (let at = this.plan.parentOf(node); at?.action === 'delete'; at = this.plan.parentOf(at)) {
      if (!this.failedBelow.has(at)) this.failedBelow.set(at, node);
    }
  }

  /** Sets the status of a node's element, and logs it. */
  setStatus(node: SyncNode, status: DiffSyncStatus, message: string): void {
    node.element.status = status;
    node.element.message = message;
    const { logger } = this;
    if (status === DiffSyncStatus.SUCCESS) {
      if (logger.isEnabled(2)) logger.verbose(message, logParams(node, status));
    } else if (status === DiffSyncStatus.FAILURE) logger.warning(message, logParams(node, status));
    else logger.error(message, logParams(node, status));
  }
}

function nothingDone(): Record<'create' | 'update' | 'delete' | 'failed', number> {
  return { create: 0, update: 0, delete: 0, failed: 0 };
}

function logParams(
  { element, action, uid }: Pick<SyncNode, 'element' | 'action' | 'uid'>,
  status?: DiffSyncStatus,
): LogParams {
  const params = { action, model: element.type, uniqueId: uid, ...diffsOf(element) };
  return status === undefined ? params : { ...params, status };
}

/** The values that differ. An object whose comparison fails has none to show; its failure is reported by itself. */
function diffsOf(element: DiffElement): Pick<LogParams, 'diffs'> {
  try {
    return { diffs: element.shownDiffs() };
  } catch (error) {
    if (error instanceof DiffCompareFailed) return {};
    throw error;
  }
}
