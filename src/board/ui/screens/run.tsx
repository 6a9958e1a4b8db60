import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RunView } from '../../board-api.js';
import type { SyncRun } from '../../../index.js';
import { get } from '../api.js';
import * as addresses from '../addresses.js';
import { counted, duration, runTime, time } from '../format.js';
import { Badge, kindText, OutcomeBadge } from '../parts/badge.js';
import { LiveRun } from '../parts/live-run.js';
import { endOf, PhaseBar, phaseName, PhaseSpan } from '../parts/phase-bar.js';
import { RunFindings } from '../parts/run-findings.js';
import { Answered, Facts, Panel, Screen } from '../parts/screen.js';
import { TableFrame } from '../parts/table-frame.js';
import { Text } from '../parts/text.js';
import { useAnswer, type Answer } from '../use-answer.js';
import { ChangeCount, Sides } from './runs.js';

interface RunProps {
  readonly target: string;
  readonly id: string;
}

/** One run: what it was, how it went, what it found. */
export function Run({ target, id }: RunProps): JSX.Element {
  const [answer, ended] = useRun(target, id);
  const run = answer.value?.run;
  return (
    <Screen
      title={run === undefined ? 'Run' : titleOf(run)}
      above={[{ title: 'Runs', href: addresses.runs() }]}
      actions={run !== undefined && <OutcomeBadge of={run.outcome} />}
    >
      <Answered answer={answer}>{(view) => <RunBody view={view} ended={ended} />}</Answered>
    </Screen>
  );
}

/** A run as it is now, and what takes in how it has ended. */
export function useRun(target: string, id: string): readonly [Answer<RunView>, (view: RunView) => void] {
  const [last, setLast] = useState<{ readonly id: string; readonly view: RunView }>();
  const answer = useAnswer<RunView>(JSON.stringify([target, id]), (signal) =>
    get(`runs/${encodeURIComponent(id)}`, { target }, signal),
  );
  const running = answer.value?.run.outcome === 'running';
  const value = running && last?.id === id ? last.view : answer.value;
  return [{ ...answer, value }, (view) => setLast({ id, view })];
}

/** What a run is called: its label, or else what it was. */
export function titleOf(run: SyncRun): string {
  const { label = '' } = run;
  return `${label === '' ? kindText(run.kind) : label}, ${runTime(run.id)}`;
}

function RunBody({ view, ended }: { readonly view: RunView; readonly ended: (view: RunView) => void }): JSX.Element {
  const { run } = view;
  return (
    <>
      <div class="actions">
        {run.changes > 0 && (
          <a class="button" href={addresses.changes(run.target, run.id)}>
            {counted(run.changes, 'change')}
          </a>
        )}
        {view.decisions.length > 0 && (
          <a class="button" href={addresses.decideOn(run.target, run.id)}>
            Decide
          </a>
        )}
      </div>
      {run.outcome === 'running' && <LiveRun run={run} ended={ended} />}
      <RunFindings run={run} />
      <div class="grid">
        <RunFacts run={run} />
        <Phases run={run} />
      </div>
    </>
  );
}

export function RunFacts({ run }: { readonly run: SyncRun }): JSX.Element {
  const { results, approval } = run;
  return (
    <Panel
      title="About"
      aside={run.kind === 'dry-run' && approval !== undefined && <Badge tone="info" text="approved" />}
    >
      <Facts
        of={[
          ['Kind', kindText(run.kind)],
          ['Label', run.label !== undefined && <Text of={run.label} />],
          ['From → to', <Sides of={run} />],
          ['By', run.by !== undefined && <Text of={run.by} />],
          ['Began', time(run.startedAt)],
          ['Ended', run.endedAt !== undefined && time(run.endedAt)],
          [
            'Approved',
            approval !== undefined && (
              <>
                by <Text of={approval.by} />, {time(approval.at)}
              </>
            ),
          ],
          [
            run.kind === 'undo' ? 'Undoes' : 'Applies',
            run.of !== undefined && <RunLink target={run.target} id={run.of} />,
          ],
          ['Applied by', run.appliedBy !== undefined && <RunLink target={run.target} id={run.appliedBy} />],
          ['To change', <ChangeCount of={run} />],
          [
            'Changed',
            results !== undefined &&
              `${results.done} done, ${results.failed} failed, ${results.stale} stale, ${results.leftOut} left out`,
          ],
          ['Equal objects', run.counts !== undefined && counted(run.counts['no-change'], 'object')],
          ['Still different', run.unsettled !== undefined && counted(run.unsettled, 'object')],
          ['Read', readText(run)],
          [
            'Kept out others',
            run.exclusive === 'none' ? 'no' : run.exclusive === 'lease' ? 'in all processes' : 'in its process',
          ],
          ['Id', <code class="uid">{run.id}</code>],
        ]}
      />
    </Panel>
  );
}

function RunLink({ target, id }: { readonly target: string; readonly id: string }): JSX.Element {
  return <a href={addresses.run(target, id)}>{`the run of ${runTime(id)}`}</a>;
}

function readText(run: SyncRun): string | undefined {
  if (run.incremental !== undefined) return `what may have changed: ${counted(run.incremental.candidates, 'object')}`;
  return run.fullBecause === undefined ? undefined : `everything (${run.fullBecause})`;
}

function Phases({ run }: { readonly run: SyncRun }): JSX.Element {
  const total = endOf(run.phases);
  return (
    <Panel title="Phases" aside={<span class="muted">{duration(total)}</span>}>
      <PhaseBar phases={run.phases} />
      {run.phases.length > 0 && (
        <TableFrame>
          <table>
            <thead>
              <tr>
                <th scope="col">Phase</th>
                <th scope="col">In the time of the run</th>
                <th scope="col" class="number">
                  Took
                </th>
              </tr>
            </thead>
            <tbody>
              {run.phases.map((phase) => (
                <tr key={phase.phase}>
                  <th scope="row">{phaseName(phase.phase)}</th>
                  <td>
                    <PhaseSpan of={phase} total={total} />
                  </td>
                  <td class="number">
                    {phase.endMs === undefined ? 'not ended' : duration(phase.endMs - phase.startMs)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </Panel>
  );
}
