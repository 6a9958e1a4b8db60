import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { RunProgress, RunView } from '../../board-api.js';
import type { SyncRun } from '../../../index.js';
import { addressOf } from '../api.js';
import { count } from '../format.js';
import { announce } from './announcer.js';
import { phaseName } from './phase-bar.js';

interface LiveRunProps {
  readonly run: SyncRun;
  /** Called with the run once it has ended. */
  readonly ended: (view: RunView) => void;
}

/** How far a run is that is under way, as the server tells it. */
export function LiveRun({ run, ended }: LiveRunProps): JSX.Element {
  const [progress, setProgress] = useState<RunProgress>();
  const [lost, setLost] = useState(false);
  const [round, setRound] = useState(0);
  useEffect(() => {
    const events = new EventSource(addressOf(`runs/${encodeURIComponent(run.id)}/events`, { target: run.target }));
    events.addEventListener('open', () => setLost(false));
    events.addEventListener('progress', ({ data }: MessageEvent<string>) => setProgress(JSON.parse(data)));
    events.addEventListener('ended', ({ data }: MessageEvent<string>) => {
      events.close();
      const view: RunView = JSON.parse(data);
      announce(`The run has ended: ${view.run.outcome}`);
      ended(view);
    });
    // The browser connects again by itself, unless the server has refused.
    events.addEventListener('error', () => setLost(true));
    return () => events.close();
  }, [run.id, run.target, round]);
  const phases = progress?.phases ?? [];
  const current = phases.findLast(({ endMs }) => endMs === undefined)?.phase;
  useEffect(() => {
    if (current !== undefined) announce(`The run is under way: ${phaseName(current)}`);
  }, [current]);
  return (
    <section class="panel" aria-label="Progress" data-live>
      <h2>Under way</h2>
      {lost && (
        <div class="notice notice-warn" role="alert">
          <p>The server does not answer. The run may go on nevertheless.</p>
          <div class="actions">
            <button type="button" onClick={() => setRound(round + 1)}>
              Connect again
            </button>
          </div>
        </div>
      )}
      {phases.length === 0 && <p class="muted">It has begun.</p>}
      <ul class="list plain">
        {phases.map(({ phase, endMs, current: done, total }) => (
          <li key={phase} class="live-phase">
            <span>{phaseName(phase)}</span>
            <PhaseProgress name={phaseName(phase)} ended={endMs !== undefined} current={done} total={total} />
            <span class="muted number">{doneText(endMs !== undefined, done, total)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface PhaseProgressProps {
  readonly name: string;
  readonly ended: boolean;
  readonly current: number | null;
  readonly total: number | null;
}

function PhaseProgress({ name, ended, current, total }: PhaseProgressProps): JSX.Element {
  if (ended) return <progress aria-label={name} max={1} value={1} />;
  if (current === null || total === null || total === 0) return <progress aria-label={name} />;
  return <progress aria-label={name} max={total} value={Math.min(current, total)} />;
}

function doneText(ended: boolean, current: number | null, total: number | null): string {
  if (current === null) return ended ? 'done' : '…';
  return total === null ? count(current) : `${count(current)} of ${count(total)}`;
}
