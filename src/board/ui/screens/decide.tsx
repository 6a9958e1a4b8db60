import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { DecideInfo, RunStarted } from '../../board-api.js';
import type { SyncRun } from '../../../index.js';
import { ApiError, get, post } from '../api.js';
import * as addresses from '../addresses.js';
import { useBoard } from '../board.js';
import { time } from '../format.js';
import { goTo } from '../location.js';
import { Badge, OutcomeBadge } from '../parts/badge.js';
import { MayDecide } from '../parts/may-decide.js';
import { Pager } from '../parts/pager.js';
import { Answered, Panel, Refused, Screen } from '../parts/screen.js';
import { TableFrame } from '../parts/table-frame.js';
import { TableHead } from '../parts/table-head.js';
import { Text } from '../parts/text.js';
import { useAnswer } from '../use-answer.js';
import { ChangeCount, Sides, Unavailable, useRuns } from './runs.js';

/** Starts dry runs, and lists those whose plans wait for a decision. */
export function Decide({ query }: { readonly query: URLSearchParams }): JSX.Element {
  const after = query.get('after') ?? '';
  const { readOnly } = useBoard();
  const may = useAnswer<DecideInfo>(readOnly ? undefined : 'decide', (signal) => get('decide', {}, signal));
  const answer = useRuns('', after);
  return (
    <Screen title="Decide">
      <MayDecide answer={may}>{({ by }) => <StartForm by={by} query={query} />}</MayDecide>
      <Answered answer={answer}>
        {(page) => (
          <>
            <Unavailable page={page} />
            <Plans runs={page.runs.filter(({ kind }) => kind === 'dry-run')} />
            <Pager
              label="Pages of plans"
              here={after}
              next={page.next}
              href={(cursor) => addresses.decide({ after: cursor })}
            />
          </>
        )}
      </Answered>
    </Screen>
  );
}

function StartForm({ by, query }: { readonly by: string; readonly query: URLSearchParams }): JSX.Element {
  const names = useBoard().adapters.map(({ name }) => name);
  const [source, setSource] = useState(query.get('source') ?? names[0] ?? '');
  const [target, setTarget] = useState(query.get('target') ?? names[1] ?? '');
  const [label, setLabel] = useState('');
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const start = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      const { run } = await post<RunStarted>('runs', { source, target, ...(label === '' ? {} : { label }) });
      goTo(addresses.decideOn(run.target, run.id));
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      setError(reason);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Panel title="Start a dry run" aside={<ByText of={by} />}>
      <p>It loads both sides and compares them. The target is not changed before its plan is approved and applied.</p>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void start();
        }}
      >
        <Side label="Source" value={source} names={names} choose={setSource} />
        <Side label="Target" value={target} names={names} choose={setTarget} />
        <label>
          Label (optional)
          <input maxLength={200} value={label} onInput={(event) => setLabel(event.currentTarget.value)} />
        </label>
        <button type="submit" class="primary" aria-disabled={busy}>
          {busy ? 'Starting…' : 'Start'}
        </button>
      </form>
      {source === target && <p class="muted">Source and target are the same adapter: choose two.</p>}
      {error !== undefined && <Refused error={error} />}
    </Panel>
  );
}

interface SideProps {
  readonly label: string;
  readonly value: string;
  readonly names: readonly string[];
  readonly choose: (name: string) => void;
}

function Side({ label, value, names, choose }: SideProps): JSX.Element {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Who decides, as the runs will have it. */
export function ByText({ of }: { readonly of: string }): JSX.Element {
  return (
    <span class="muted">
      as <Text of={of} />
    </span>
  );
}

function Plans({ runs }: { readonly runs: readonly SyncRun[] }): JSX.Element {
  return (
    <Panel title="Plans">
      {runs.length === 0 ? (
        <p class="empty">None of these runs is a dry run.</p>
      ) : (
        <TableFrame>
          <table class="stacks">
            <TableHead columns={['Made', 'State', 'From → to', 'Changes', 'Label']} />
            <tbody>
              {runs.map((run) => (
                <tr key={`${run.target} ${run.id}`}>
                  <th scope="row">
                    <a href={addresses.decideOn(run.target, run.id)}>{time(run.startedAt)}</a>
                  </th>
                  <td data-label="State">
                    <PlanState of={run} />
                  </td>
                  <td data-label="From → to">
                    <Sides of={run} />
                  </td>
                  <td data-label="Changes">
                    <ChangeCount of={run} />
                  </td>
                  <td data-label="Label">{run.label !== undefined && <Text of={run.label} />}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </Panel>
  );
}

/** How far a plan has come. */
export function PlanState({ of }: { readonly of: SyncRun }): JSX.Element {
  if (of.outcome !== 'succeeded') return <OutcomeBadge of={of.outcome} />;
  if (of.appliedBy !== undefined) return <Badge tone="good" text="applied" />;
  if (of.approval !== undefined) return <Badge tone="info" text="approved" />;
  return <Badge tone="warn" text="to approve" />;
}
