import type { JSX } from 'preact';
import type { PhaseTime, RunPhase } from '../../../index.js';
import { duration } from '../format.js';

const NAMES: Readonly<Record<RunPhase, string>> = {
  'load-source': 'load source',
  'load-target': 'load target',
  compare: 'compare',
  guard: 'ask guards',
  apply: 'apply',
  parts: 'apply the parts',
  verify: 'verify',
  record: 'record',
};

/** A phase that is too short to be seen is this wide, in per cent. */
const NARROWEST = 0.6;

export const phaseName = (phase: RunPhase): string => NAMES[phase];

/** When the last phase ended that is known; milliseconds. */
export function endOf(phases: readonly PhaseTime[]): number {
  return phases.reduce((end, { startMs, endMs }) => Math.max(end, endMs ?? startMs), 0);
}

/** The phases of a run in one bar. Both loads run side by side: each has half of its height. */
export function PhaseBar({ phases }: { readonly phases: readonly PhaseTime[] }): JSX.Element {
  const total = Math.max(1, endOf(phases));
  const label = phases
    .map(
      ({ phase, startMs, endMs }) => `${NAMES[phase]} ${endMs === undefined ? 'not ended' : duration(endMs - startMs)}`,
    )
    .join(', ');
  const both = phases.filter(({ phase }) => phase === 'load-source' || phase === 'load-target').length === 2;
  return (
    <svg class="phases" role="img" aria-label={`Phases: ${label || 'none yet'}`} preserveAspectRatio="none">
      {phases.map(({ phase, startMs, endMs }) => {
        const half = both && (phase === 'load-source' || phase === 'load-target');
        const width = Math.max(NARROWEST, (((endMs ?? total) - startMs) / total) * 100);
        return (
          <rect
            key={phase}
            class={`phase-${phase}`}
            x={`${Math.min(100 - NARROWEST, (startMs / total) * 100)}%`}
            y={half && phase === 'load-target' ? '55%' : '0'}
            width={`${width}%`}
            height={half ? '45%' : '100%'}
          >
            <title>{`${NAMES[phase]}: ${endMs === undefined ? 'not ended' : duration(endMs - startMs)}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}

/** One phase in the time of the whole run. */
export function PhaseSpan({ of, total }: { readonly of: PhaseTime; readonly total: number }): JSX.Element {
  const whole = Math.max(1, total);
  const width = Math.max(NARROWEST, (((of.endMs ?? whole) - of.startMs) / whole) * 100);
  return (
    <svg class="phases" aria-hidden="true" preserveAspectRatio="none">
      <rect
        class={`phase-${of.phase}`}
        x={`${Math.min(100 - NARROWEST, (of.startMs / whole) * 100)}%`}
        width={`${width}%`}
        height="100%"
      />
    </svg>
  );
}
