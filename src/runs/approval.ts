import { PlanRefused } from '../errors.js';
import { RunRecord, runOf } from './run-records.js';
import type { RunStore } from './run-store.js';
import type { SyncRun } from './sync-run.js';

/**
 * Approves the plan of a run. What was approved already stays as it is.
 * @returns the run, with its approval.
 * @throws RunNotFound if there is no such run; PlanRefused if it has no plan that can be applied.
 */
export async function approvePlan(history: RunStore, runId: string, by: string): Promise<SyncRun> {
  const record = await history.record(runId);
  checkPlan(record);
  if (record.approval !== undefined) return runOf(record);
  const approval = { by, at: new Date().toISOString() };
  return runOf(await history.note(runId, { approval }));
}

/** @throws PlanRefused unless the plan is approved, and not applied yet. */
export function checkApproved(record: RunRecord): void {
  checkPlan(record);
  if (record.approval !== undefined) return;
  throw new PlanRefused(
    `The plan of the run "${record.run}" is not approved: call approve("${record.run}", …) first`,
    'RUN_NOT_APPROVED',
  );
}

function checkPlan(record: RunRecord): void {
  const { id, kind, outcome, of, appliedBy } = runOf(record);
  if (outcome === 'refused') {
    throw new PlanRefused(
      `A guard has refused the plan of the run "${id}": correct the source, or the limits, and make a new dry run`,
      'RUN_WAS_REFUSED',
    );
  }
  if (appliedBy !== undefined) {
    throw new PlanRefused(
      `The plan of the run "${id}" was applied by the run "${appliedBy}": make a new dry run`,
      'RUN_WAS_APPLIED',
    );
  }
  if (kind === 'dry-run' && outcome === 'succeeded' && of === undefined && record.plans > 0) return;
  const why = outcome === 'succeeded' ? 'only a dry run of a sync has one' : `it is ${outcome}`;
  throw new PlanRefused(`The run "${id}" has no plan to apply: ${why}`, 'RUN_HAS_NO_PLAN');
}
