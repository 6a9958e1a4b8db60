import type { JSX } from 'preact';
import type { ChildList, FieldView, ObjectHistory, ObjectView } from '../../board-api.js';
import { get } from '../api.js';
import * as addresses from '../addresses.js';
import { count, runTime } from '../format.js';
import { ActionBadge, ResultBadge } from '../parts/badge.js';
import { ChangedValues } from '../parts/changed-values.js';
import { Answered, Facts, Panel, Screen } from '../parts/screen.js';
import { TableFrame } from '../parts/table-frame.js';
import { TableHead } from '../parts/table-head.js';
import { Text, Uid } from '../parts/text.js';
import { Value } from '../parts/value-view.js';
import { useAnswer } from '../use-answer.js';

interface ObjectProps {
  readonly store: string;
  readonly model: string;
  readonly uid: string;
}

/** One object: its fields, its place in the tree, what runs have done to it. */
export function ObjectScreen({ store, model, uid }: ObjectProps): JSX.Element {
  const key = JSON.stringify([store, model, uid]);
  const answer = useAnswer<ObjectView>(key, (signal) => get('object', { store, model, uid }, signal));
  const history = useAnswer<ObjectHistory>(key, (signal) => get('object/history', { store, model, uid }, signal));
  return (
    <Screen
      title={uid}
      heading={<Uid of={uid} />}
      above={[
        { title: 'Stores', href: addresses.stores() },
        { title: store || 'Store', href: addresses.store(store) },
        { title: model, href: addresses.model(store, model) },
      ]}
    >
      <Answered answer={answer}>
        {(object) => (
          <div class="grid">
            <Fields of={object.fields} />
            <Tree object={object} />
          </div>
        )}
      </Answered>
      <Panel title="History">
        <Answered answer={history}>{(value) => <History of={value} />}</Answered>
      </Panel>
    </Screen>
  );
}

function Fields({ of }: { readonly of: readonly FieldView[] | null }): JSX.Element {
  return (
    <Panel title="Fields">
      {of === null ? (
        <p class="empty">
          No adapter of this application has a class for this model, so it is not known which of its fields are secret:
          none is shown.
        </p>
      ) : (
        <TableFrame>
          <table class="stacks">
            <TableHead columns={['Field', 'Value', 'Kind']} />
            <tbody>
              {of.map((field) => (
                <tr key={field.name}>
                  <th scope="row">
                    <Text of={field.name} />
                  </th>
                  <td data-label="Value">
                    {field.secret ? <span class="muted">secret: not shown</span> : <FieldValue of={field} />}
                  </td>
                  <td data-label="Kind" class="muted">
                    {field.kind === 'other' ? 'not compared' : field.kind}
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

function FieldValue({ of }: { readonly of: FieldView }): JSX.Element {
  return 'value' in of ? <Value of={of.value} /> : <span class="muted">no value</span>;
}

function Tree({ object }: { readonly object: ObjectView }): JSX.Element {
  const { parents, children, store } = object;
  return (
    <Panel title="In the tree">
      <Facts
        of={[
          [
            'Below',
            <>
              {parents.found.length === 0 && <span class="muted">{parents.complete ? 'nothing' : 'not known'}</span>}
              <ul class="list plain">
                {parents.found.map((parent) => (
                  <li key={`${parent.model} ${parent.uid}`}>
                    <Text of={parent.model} />{' '}
                    <a href={addresses.object(store, parent.model, parent.uid)}>
                      <Uid of={parent.uid} />
                    </a>
                  </li>
                ))}
              </ul>
              {!parents.complete && parents.found.length > 0 && <span class="muted">There may be others.</span>}
            </>,
          ],
        ]}
      />
      {children.map((list) => (
        <Children key={list.model} store={store} of={list} />
      ))}
    </Panel>
  );
}

function Children({ store, of }: { readonly store: string; readonly of: ChildList }): JSX.Element {
  const more = of.count - of.uids.length;
  return (
    <details open={of.count > 0 && of.count <= 20}>
      <summary>
        <Text of={of.model} />
        {`: ${count(of.count)}`}
      </summary>
      <ul class="list">
        {of.uids.map((uid) => (
          <li key={uid}>
            <a href={addresses.object(store, of.model, uid)}>
              <Uid of={uid} />
            </a>
          </li>
        ))}
      </ul>
      {more > 0 && <p class="muted">{`and ${count(more)} more`}</p>}
    </details>
  );
}

function History({ of }: { readonly of: ObjectHistory }): JSX.Element {
  if (of.changes.length === 0) return <p class="empty">No run that is kept has changed it.</p>;
  return (
    <>
      <ol class="changes">
        {of.changes.map((change) => (
          <li key={`${change.target} ${change.run} ${change.index}`}>
            <div class="change-head">
              <ActionBadge of={change.action} />
              <ResultBadge of={change.result} />
              <a href={addresses.run(change.target, change.run)}>{runTime(change.run)}</a>
            </div>
            <details>
              <summary>Old and new</summary>
              <ChangedValues change={change} />
            </details>
          </li>
        ))}
      </ol>
      {of.more && <p class="muted">There are more, which are not shown.</p>}
    </>
  );
}
