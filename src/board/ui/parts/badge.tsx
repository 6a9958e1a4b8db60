import type { JSX } from 'preact';
import type { BoardHealth } from '../../board-api.js';
import type { ChangeResult, RunChange, RunKind, RunOutcome } from '../../../index.js';

type Tone = 'plain' | 'good' | 'bad' | 'warn' | 'info';

const OUTCOMES: Readonly<Record<RunOutcome, Tone>> = {
  running: 'info',
  succeeded: 'good',
  refused: 'warn',
  failed: 'bad',
  aborted: 'warn',
  interrupted: 'bad',
};

const KINDS: Readonly<Record<RunKind, string>> = { sync: 'sync', 'dry-run': 'dry run', apply: 'apply', undo: 'undo' };

const ACTIONS: Readonly<Record<RunChange['action'], Tone>> = {
  create: 'good',
  update: 'warn',
  delete: 'bad',
  link: 'info',
  unlink: 'info',
};

const RESULTS: Readonly<Record<ChangeResult, Tone>> = {
  planned: 'plain',
  done: 'good',
  failed: 'bad',
  stale: 'warn',
  'left-out': 'warn',
};

const HEALTH: Readonly<Record<BoardHealth['status'], Tone>> = { up: 'good', degraded: 'warn', down: 'bad' };

/** A word that stands for a state. The colour says it again, and nothing else. */
export function Badge({ tone = 'plain', text }: { readonly tone?: Tone; readonly text: string }): JSX.Element {
  return <span class={`badge badge-${tone}`}>{text}</span>;
}

export const OutcomeBadge = ({ of }: { readonly of: RunOutcome }): JSX.Element => (
  <Badge tone={OUTCOMES[of]} text={of} />
);
export const ActionBadge = ({ of }: { readonly of: RunChange['action'] }): JSX.Element => (
  <Badge tone={ACTIONS[of]} text={of} />
);
export const ResultBadge = ({ of }: { readonly of: ChangeResult }): JSX.Element => (
  <Badge tone={RESULTS[of]} text={of === 'left-out' ? 'left out' : of} />
);
export const HealthBadge = ({ of }: { readonly of: BoardHealth['status'] }): JSX.Element => (
  <Badge tone={HEALTH[of]} text={of} />
);
export const kindText = (kind: RunKind): string => KINDS[kind];
