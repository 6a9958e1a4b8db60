import { inspect } from 'node:util';
import { Adapter } from '../adapter/adapter.js';
import { checkOptionNames, SYNC_OPTIONS } from '../adapter/adapter-options.js';
import { ValueError } from '../errors.js';
import type { OptionNames } from '../values/option-names.js';
import { refuseOtherCopy } from '../values/package-copy.js';
import type {
  ApplyRunOptions,
  ApproveRunOptions,
  PerformPartOptions,
  RunOptions,
  SyncRunOptions,
  UndoRunOptions,
} from './run-options.js';

const COMMON: OptionNames<RunOptions> = {
  label: true,
  by: true,
  guards: true,
  exclusive: true,
  onBegin: true,
  onProgress: true,
  signal: true,
};
const { diff: _, allowStale: __, waitMs: ___, partition: ____, runId: _____, ...SYNC } = SYNC_OPTIONS;
const RUN: OptionNames<SyncRunOptions> = {
  ...COMMON,
  ...SYNC,
  source: true,
  target: true,
  load: true,
  dryRun: true,
  parts: true,
  id: true,
  history: true,
};
const APPLY: OptionNames<ApplyRunOptions> = {
  ...COMMON,
  syncFilter: true,
  continueOnFailure: true,
  concurrency: true,
  batchSize: true,
  filters: true,
  verify: true,
  diffClass: true,
  source: true,
  target: true,
  load: true,
  onStale: true,
  approved: true,
};
const PART: OptionNames<PerformPartOptions> = {
  source: true,
  target: true,
  filters: true,
  syncFilter: true,
  diffClass: true,
  onProgress: true,
  signal: true,
};
const APPROVE: OptionNames<ApproveRunOptions> = { target: true, by: true };
const UNDO: OptionNames<UndoRunOptions> = {
  ...COMMON,
  continueOnFailure: true,
  concurrency: true,
  batchSize: true,
  target: true,
  dryRun: true,
};
/** Options of a sync that a run has in another place. */
const ELSEWHERE = {
  diff: 'apply(runId, …)',
  allowStale: 'onStale',
  waitMs: 'exclusive: { waitMs }',
  partition: 'parts',
};
/** A dot begins the number of a part, and a slash that of a record. */
const RUN_ID = /^[\w-]{1,128}$/;
const LOADS = ['both', 'source', 'target', 'none'];

/** @throws ValueError for a wrong option of `run`. */
export function checkRunOptions(options: SyncRunOptions): void {
  checkOptionNames('SyncRunner.run', options, RUN, ELSEWHERE);
  checkSides('SyncRunner.run', options);
  const { id } = options;
  if (id === undefined || (typeof id === 'string' && RUN_ID.test(id))) return;
  throw new ValueError(
    `SyncRunner.run: id is ${inspect(id)}: 1 to 128 letters, digits, "-" or "_", as in the ids that runs have without it`,
  );
}

/** @throws ValueError for a wrong option of `performPart`. */
export function checkPartOptions(options: PerformPartOptions): void {
  checkOptionNames('SyncRunner.performPart', options, PART, {});
  checkSides('SyncRunner.performPart', options);
}

/** @throws ValueError for a wrong option of `apply`. */
export function checkApplyOptions(options: ApplyRunOptions): void {
  checkOptionNames('SyncRunner.apply', options, APPLY, ELSEWHERE);
  checkSides('SyncRunner.apply', options);
  const { onStale = 'refuse' } = options;
  if (onStale !== 'refuse' && onStale !== 'skip') {
    throw new ValueError(`onStale is ${String(onStale)}: it is "refuse" or "skip"`);
  }
}

/** @throws ValueError for a wrong option of `undo`. */
export function checkUndoOptions(options: UndoRunOptions): void {
  checkOptionNames('SyncRunner.undo', options, UNDO, ELSEWHERE);
  checkTarget('SyncRunner.undo', options.target);
}

/** @throws ValueError for a wrong option of `approve`. */
export function checkApproveOptions(options: ApproveRunOptions): void {
  checkOptionNames('SyncRunner.approve', options, APPROVE, {});
  checkTarget('SyncRunner.approve', options.target);
  if (typeof options.by === 'string' && options.by.trim() !== '') return;
  throw new ValueError('SyncRunner.approve: by is no name: say who approves the plan');
}

function checkTarget(owner: string, target: unknown): void {
  refuseOtherCopy('The target', target);
  if (!(target instanceof Adapter)) throw new ValueError(`${owner}: target is no adapter`);
}

function checkSides(
  owner: string,
  { source, target, load = 'both' }: Pick<SyncRunOptions, 'source' | 'target' | 'load'>,
): void {
  for (const [side, adapter] of Object.entries({ source, target })) {
    refuseOtherCopy(`The ${side}`, adapter);
    if (!(adapter instanceof Adapter)) throw new ValueError(`${owner}: ${side} is no adapter`);
  }
  if (source === target) throw new ValueError(`${owner}: source and target are the same adapter`);
  if (!LOADS.includes(load)) throw new ValueError(`${owner}: load is "${load}": one of ${LOADS.join(', ')}`);
}
