import type { JSX } from 'preact';
import type { SyncRun } from '../../../index.js';
import { Panel } from './screen.js';
import { TableFrame } from './table-frame.js';
import { TableHead } from './table-head.js';
import { Text, Uid } from './text.js';
import { ValuePair } from './value-view.js';

interface RunFindingsProps {
  readonly run: SyncRun;
  /** Whether something else says that the plan was stale. */
  readonly withoutStale?: boolean;
}

/** What has ended a run, and what it has found: errors, guards, what was not loaded, what never settles. */
export function RunFindings({ run, withoutStale = false }: RunFindingsProps): JSX.Element {
  return (
    <>
      {run.error !== undefined && !(withoutStale && run.error.code === 'DIFF_STALE') && (
        <div class="notice notice-bad">
          <h2>{run.outcome === 'refused' ? 'Refused' : 'Error'}</h2>
          <p class="message">
            <Text of={run.error.message} />
          </p>
          <code class="muted">
            <Text of={run.error.code ?? run.error.name} />
          </code>
        </div>
      )}
      {run.guards.length > 0 && (
        <Panel title="Guards">
          <ul class="list">
            {run.guards.map((guard) => (
              <li key={`${guard.code} ${guard.model ?? ''} ${guard.at}`}>
                <p class="message">
                  <Text of={guard.message} />
                </p>
                <code class="muted">{guard.code}</code>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {run.incomplete.length > 0 && (
        <Panel title="Not loaded in full">
          <ul class="list">
            {run.incomplete.map(({ side, model, reason }) => (
              <li key={`${side} ${model}`}>
                {`${side}, `}
                <Text of={model} />: <Text of={reason} />
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <Unrestored run={run} />
      <Flapping run={run} />
    </>
  );
}

function Unrestored({ run: { unrestored = [] } }: { readonly run: SyncRun }): JSX.Element | null {
  if (unrestored.length === 0) return null;
  return (
    <Panel title="Not brought back">
      <ul class="list">
        {unrestored.map(({ model, uid, reason }) => (
          <li key={`${model} ${uid}`}>
            <Text of={model} /> <Uid of={uid} />: <Text of={reason} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Flapping({ run: { flapping } }: { readonly run: SyncRun }): JSX.Element | null {
  if (flapping.length === 0) return null;
  return (
    <Panel title="Never settles">
      <p class="muted">Each of the last runs has set these attributes, and they differ again.</p>
      <TableFrame>
        <table class="stacks pair">
          <TableHead columns={['Attribute', 'Old', 'New']} />
          <tbody>
            {flapping.map((each) => (
              <tr key={`${each.model} ${each.uid} ${each.attribute}`}>
                <th scope="row">
                  <Text of={each.model} /> <Uid of={each.uid} /> <Text of={each.attribute} />
                  <span class="muted">{`, ${each.runs} runs in a row`}</span>
                </th>
                {'old' in each || 'new' in each ? (
                  <ValuePair old={each.old} next={each.new} />
                ) : (
                  <td colSpan={2} class="muted">
                    secret: not shown
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
      <details>
        <summary>What to do</summary>
        <p>
          <Text of={flapping[0]?.hint ?? ''} />
        </p>
      </details>
    </Panel>
  );
}
