import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { DecideInfo, Decision, RunStarted, RunView, StaleAnswer, StaleList } from '../../board-api.js';
import type { SyncRun } from '../../../index.js';
import { ApiError, get, post } from '../api.js';
import * as addresses from '../addresses.js';
import { useBoard } from '../board.js';
import { count, counted, time } from '../format.js';
import { goTo } from '../location.js';
import { announce } from '../parts/announcer.js';
import { OutcomeBadge } from '../parts/badge.js';
import { ConfirmDialog } from '../parts/confirm-dialog.js';
import { Counts } from '../parts/counts.js';
import { LiveRun } from '../parts/live-run.js';
import { MayDecide } from '../parts/may-decide.js';
import { RunFindings } from '../parts/run-findings.js';
import { Answered, Panel, Screen } from '../parts/screen.js';
import { StalePlan } from '../parts/stale-plan.js';
import { TableFrame } from '../parts/table-frame.js';
import { Text } from '../parts/text.js';
import { useAnswer } from '../use-answer.js';
import { ByText, PlanState } from './decide.js';
import { RunFacts, titleOf, useRun } from './run.js';

/** What is asked in a dialog: a decision, or to apply what still holds of a stale plan. */
type Question = Decision | 'apply-rest';

interface DecideOnProps {
  readonly target: string;
  readonly id: string;
}

/** Decides about one run: approves and applies its plan, or undoes it. */
export function DecideOn({ target, id }: DecideOnProps): JSX.Element {
  const [answer, ended] = useRun(target, id);
  const run = answer.value?.run;
  return (
    <Screen
      title={run === undefined ? 'Decide' : titleOf(run)}
      above={[{ title: 'Decide', href: addresses.decide() }]}
      actions={
        run !== undefined && (run.kind === 'dry-run' ? <PlanState of={run} /> : <OutcomeBadge of={run.outcome} />)
      }
    >
      <Answered answer={answer}>
        {(view) => (
          <>
            {view.run.outcome === 'running' && <LiveRun run={view.run} ended={ended} />}
            <Decisions view={view} reload={answer.reload} />
            <RunFindings run={view.run} withoutStale />
            <div class="grid">
              <Plan view={view} />
              <RunFacts run={view.run} />
            </div>
          </>
        )}
      </Answered>
    </Screen>
  );
}

function Plan({ view: { run, models } }: { readonly view: RunView }): JSX.Element {
  return (
    <Panel
      title={run.kind === 'dry-run' ? 'Plan' : 'Changes'}
      aside={
        run.changes > 0 && (
          <a href={addresses.changes(run.target, run.id)}>{`Look at ${counted(run.changes, 'change')}`}</a>
        )
      }
    >
      {models.length === 0 ? (
        <p class="empty">{run.outcome === 'running' ? 'Not compared yet.' : 'Nothing differs.'}</p>
      ) : (
        <TableFrame>
          <table>
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col" class="number">
                  Create
                </th>
                <th scope="col" class="number">
                  Update
                </th>
                <th scope="col" class="number">
                  Delete
                </th>
              </tr>
            </thead>
            <tbody>
              {models.map((each) => (
                <tr key={each.model}>
                  <th scope="row">
                    <Text of={each.model} />
                  </th>
                  <td class="number">{count(each.create)}</td>
                  <td class="number">{count(each.update)}</td>
                  <td class="number">{count(each.delete)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </Panel>
  );
}

interface DecisionsProps {
  readonly view: RunView;
  readonly reload: () => void;
}

function Decisions({ view, reload }: DecisionsProps): JSX.Element | null {
  const { run, decisions } = view;
  const { readOnly } = useBoard();
  const [asked, setAsked] = useState<Question>();
  const [stale, setStale] = useState<StaleList>();
  const may = useAnswer<DecideInfo>(readOnly ? undefined : 'decide', (signal) => get('decide', {}, signal));
  const shown = stale ?? view.stale ?? undefined;
  if (run.outcome === 'running') return null;
  const plan = run.kind === 'apply' ? run.of : run.kind === 'dry-run' ? run.id : undefined;
  const isStale = shown !== undefined || run.error?.code === 'DIFF_STALE';
  return (
    <>
      {isStale && (
        <StalePlan
          run={run}
          stale={shown}
          offers={may.value === undefined ? 'none' : plan === undefined ? 'dry-run' : 'both'}
          applyRest={() => setAsked('apply-rest')}
          focus={stale !== undefined}
        />
      )}
      <MayDecide answer={may}>
        {({ by }) => (
          <>
            {decisions.length > 0 && (
              <Panel title="Decide" aside={<ByText of={by} />}>
                <p>{nextStep(run, decisions)}</p>
                <div class="actions">
                  {decisions.map((decision, at) => (
                    <button
                      key={decision}
                      type="button"
                      class={decision === 'undo' ? 'danger' : at === 0 ? 'primary' : ''}
                      onClick={() => setAsked(decision)}
                    >
                      {QUESTIONS[decision].button}
                    </button>
                  ))}
                </div>
              </Panel>
            )}
            {asked !== undefined && (
              <Ask
                question={asked}
                run={run}
                plan={plan ?? run.id}
                by={by}
                close={() => setAsked(undefined)}
                approved={() => {
                  setAsked(undefined);
                  reload();
                  announce('The plan is approved');
                }}
                stale={(list) => {
                  setAsked(undefined);
                  setStale(list);
                }}
              />
            )}
          </>
        )}
      </MayDecide>
    </>
  );
}

function nextStep(run: SyncRun, decisions: readonly Decision[]): string {
  if (decisions.includes('apply')) return 'The plan is approved. It is compared again before it is applied.';
  if (decisions.includes('approve')) return 'Look at the changes. Once the plan is approved it can be applied.';
  return `The run has changed ${run.target}. What it has changed can be taken back, as far as it is still as the run left it.`;
}

const QUESTIONS: Readonly<
  Record<Question, { readonly button: string; readonly title: string; readonly action: string }>
> = {
  approve: { button: 'Approve…', title: 'Approve this plan?', action: 'Approve' },
  apply: { button: 'Apply…', title: 'Apply this plan?', action: 'Apply' },
  undo: { button: 'Undo…', title: 'Undo this run?', action: 'Undo' },
  'apply-rest': { button: '', title: 'Apply what still holds?', action: 'Apply the rest' },
};

interface AskProps {
  readonly question: Question;
  readonly run: SyncRun;
  /** The id of the run that has the plan. */
  readonly plan: string;
  readonly by: string;
  readonly close: () => void;
  readonly approved: () => void;
  readonly stale: (list: StaleList) => void;
}

function Ask({ question, run, plan, by, close, approved, stale }: AskProps): JSX.Element {
  const { target } = run;
  const decide = async (): Promise<void> => {
    const path = (id: string, route: string): string => `runs/${encodeURIComponent(id)}/${route}`;
    if (question === 'approve') {
      await post<RunView>(path(run.id, 'approve'), { target });
      approved();
      return;
    }
    const route = question === 'undo' ? 'undo' : 'apply';
    const rest = question === 'apply-rest' ? { onStale: 'skip' } : {};
    try {
      const started = await post<RunStarted>(path(question === 'undo' ? run.id : plan, route), { target, ...rest });
      close();
      goTo(addresses.decideOn(started.run.target, started.run.id));
    } catch (error) {
      const list = staleOf(error);
      if (list === undefined) throw error;
      stale(list);
    }
  };
  return (
    <ConfirmDialog
      title={QUESTIONS[question].title}
      action={QUESTIONS[question].action}
      danger={question === 'undo'}
      confirm={decide}
      close={close}
    >
      <Consequence question={question} run={run} />
      <p class="muted">
        The run will say that it was <Text of={by} />.
      </p>
    </ConfirmDialog>
  );
}

function Consequence({ question, run }: { readonly question: Question; readonly run: SyncRun }): JSX.Element {
  if (question === 'apply-rest') return <p>Changes that are stale are left out; all others are made.</p>;
  if (question === 'undo')
    return <p>{`${run.target} gets back what this run of ${time(run.startedAt)} has changed.`}</p>;
  return (
    <>
      <p>
        {question === 'approve' ? 'Nothing is changed yet. The plan is for ' : 'This changes '}
        <Text of={run.target} />:
      </p>
      {run.counts !== undefined && (
        <p>
          <Counts of={run.counts} />
        </p>
      )}
    </>
  );
}

function staleOf(error: unknown): StaleList | undefined {
  if (!(error instanceof ApiError) || error.code !== 'DIFF_STALE') return undefined;
  const { stale } = error.body as Partial<StaleAnswer>;
  return stale ?? { changes: [], count: 0 };
}
