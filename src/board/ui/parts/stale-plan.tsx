import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { StaleList } from '../../board-api.js';
import type { SyncRun } from '../../../index.js';
import * as addresses from '../addresses.js';
import { counted } from '../format.js';
import { Text, Uid } from './text.js';

interface StalePlanProps {
  readonly run: SyncRun;
  /** What is stale; undefined where another process has found it, and only the error says it. */
  readonly stale: StaleList | undefined;
  /** What the reader may do about it: nothing, make a new dry run, or also apply what still holds of a plan. */
  readonly offers: 'none' | 'dry-run' | 'both';
  readonly applyRest: () => void;
  /** Whether the reader has just been told: it gets the focus. */
  readonly focus: boolean;
}

/** Says that a plan is stale, what is, and what can be done about it. */
export function StalePlan({ run, stale, offers, applyRest, focus }: StalePlanProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (focus) heading.current?.focus();
  }, [focus]);
  return (
    <section class="notice notice-warn" role="alert" aria-label="Stale plan" data-stale>
      <h2 ref={heading} tabIndex={-1}>
        {run.kind === 'dry-run' || run.kind === 'apply' ? 'The plan is stale' : 'It cannot be undone as it is'}
      </h2>
      <p>
        {stale === undefined || stale.count === 0
          ? 'Objects have changed since. Nothing was changed.'
          : `${counted(stale.count, 'change')} no longer ${stale.count === 1 ? 'holds' : 'hold'}, because the objects have changed since. Nothing was changed.`}
      </p>
      {stale !== undefined && stale.changes.length > 0 && (
        <ul class="list">
          {stale.changes.map(({ model, uid, action, reason, parents }) => (
            <li key={JSON.stringify([model, uid, action, parents])}>
              {`${action} `}
              <Text of={model} /> <Uid of={uid} />: <Text of={reason} />
            </li>
          ))}
        </ul>
      )}
      {offers !== 'none' && (
        <div class="actions">
          {offers === 'both' && (
            <button type="button" onClick={applyRest}>
              Apply what still holds…
            </button>
          )}
          <a class="button" href={addresses.decide({ source: run.source, target: run.target })}>
            New dry run
          </a>
        </div>
      )}
    </section>
  );
}
