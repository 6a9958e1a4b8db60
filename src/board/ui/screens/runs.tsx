import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { BoardRunPage } from '../../board-api.js';
import type { SyncRun } from '../../../index.js';
import { get } from '../api.js';
import * as addresses from '../addresses.js';
import { useBoard } from '../board.js';
import { count, duration, time } from '../format.js';
import { goTo } from '../location.js';
import { Badge, kindText, OutcomeBadge } from '../parts/badge.js';
import { Counts } from '../parts/counts.js';
import { Pager } from '../parts/pager.js';
import { endOf, PhaseBar } from '../parts/phase-bar.js';
import { Answered, Screen } from '../parts/screen.js';
import { TableFrame } from '../parts/table-frame.js';
import { Text } from '../parts/text.js';
import { useAnswer, type Answer } from '../use-answer.js';

const PAGE = '20';
/** So often a list is asked for again that has a run under way; milliseconds. */
const AGAIN_MS = 3000;

/** The runs of all targets or of one, the newest first. */
export function Runs({ query }: { readonly query: URLSearchParams }): JSX.Element {
  const [target, after] = [query.get('target') ?? '', query.get('after') ?? ''];
  const { adapters } = useBoard();
  const answer = useRuns(target, after);
  return (
    <Screen
      title="Runs"
      actions={
        <div class="actions">
          <label class="inline">
            Target
            <select value={target} onChange={(event) => goTo(addresses.runs({ target: event.currentTarget.value }))}>
              <option value="">all</option>
              {adapters.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        </div>
      }
    >
      <Answered answer={answer}>
        {(page) => (
          <>
            <Unavailable page={page} />
            {page.runs.length === 0 ? (
              <p class="empty">No run is kept.</p>
            ) : (
              <section class="panel" aria-label="Runs">
                <RunTable runs={page.runs} busy={answer.busy && answer.value === undefined} />
              </section>
            )}
            <Pager
              label="Pages of runs"
              here={after}
              next={page.next}
              href={(cursor) => addresses.runs({ target, after: cursor })}
            />
          </>
        )}
      </Answered>
    </Screen>
  );
}

/** A page of runs; the newest is asked for again while one of it is under way. */
export function useRuns(target: string, after: string): Answer<BoardRunPage> {
  const answer = useAnswer<BoardRunPage>(JSON.stringify([target, after]), (signal) =>
    get('runs', { target, after, limit: PAGE }, signal),
  );
  const { value, reload } = answer;
  useEffect(() => {
    if (value?.runs.some(({ outcome }) => outcome === 'running') !== true) return undefined;
    const timer = setTimeout(reload, AGAIN_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return answer;
}

/** The targets whose history cannot be read now, and why. */
export function Unavailable({ page }: { readonly page: BoardRunPage }): JSX.Element | null {
  if (page.unavailable.length === 0) return null;
  return (
    <div class="notice notice-warn" role="alert">
      {page.unavailable.map(({ target, code, message }) => (
        <p key={target}>
          The runs of <Text of={target} /> cannot be read: <Text of={message} /> <code class="muted">{code}</code>
        </p>
      ))}
    </div>
  );
}

function RunTable({ runs, busy }: { readonly runs: readonly SyncRun[]; readonly busy: boolean }): JSX.Element {
  return (
    <TableFrame busy={busy}>
      <table class="stacks">
        <thead>
          <tr>
            <th scope="col">Began</th>
            <th scope="col">Run</th>
            <th scope="col">Outcome</th>
            <th scope="col">From → to</th>
            <th scope="col">By</th>
            <th scope="col">Changes</th>
            <th scope="col">Phases</th>
            <th scope="col" class="number">
              Took
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <RunRow key={`${run.target} ${run.id}`} run={run} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function RunRow({ run }: { readonly run: SyncRun }): JSX.Element {
  return (
    <tr>
      <th scope="row">
        <a href={addresses.run(run.target, run.id)}>{time(run.startedAt)}</a>
      </th>
      <td data-label="Run">
        <span>
          {kindText(run.kind)}
          {run.label !== undefined && (
            <>
              {' · '}
              <Text of={run.label} />
            </>
          )}
        </span>
      </td>
      <td data-label="Outcome">
        <span class="badges">
          <OutcomeBadge of={run.outcome} />
          {run.kind === 'dry-run' && run.approval !== undefined && <Badge tone="info" text="approved" />}
        </span>
      </td>
      <td data-label="From → to">
        <Sides of={run} />
      </td>
      <td data-label="By">{run.by === undefined ? <span class="muted">not said</span> : <Text of={run.by} />}</td>
      <td data-label="Changes">
        <ChangeCount of={run} />
      </td>
      <td data-label="Phases">
        <PhaseBar phases={run.phases} />
      </td>
      <td data-label="Took" class="number">
        {run.outcome === 'running' ? '…' : duration(endOf(run.phases))}
      </td>
    </tr>
  );
}

/** The names of both sides. A run that undoes another has one. */
export function Sides({ of }: { readonly of: SyncRun }): JSX.Element {
  return (
    <span>
      <Text of={of.source} />
      {' → '}
      <Text of={of.target} />
    </span>
  );
}

/** What a run changes: by action where it has compared, else how many changes its history has. */
export function ChangeCount({ of }: { readonly of: SyncRun }): JSX.Element {
  if (of.counts !== undefined) return <Counts of={of.counts} />;
  return (
    <span class="muted">
      {of.changes > 0 ? count(of.changes) : of.outcome === 'running' ? 'none yet' : 'not compared'}
    </span>
  );
}
