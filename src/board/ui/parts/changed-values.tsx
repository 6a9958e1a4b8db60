import type { JSX } from 'preact';
import type { BoardChange, Values } from '../../board-api.js';
import { TableFrame } from './table-frame.js';
import { TableHead } from './table-head.js';
import { Text } from './text.js';
import { Value, ValuePair } from './value-view.js';

/** The old and the new values of a change, by attribute. */
export function ChangedValues({ change }: { readonly change: BoardChange }): JSX.Element | null {
  const { old, new: next, secrets } = change;
  const names = [...new Set([...Object.keys(old ?? {}), ...Object.keys(next ?? {}), ...secrets])];
  if (names.length === 0) return <p class="muted">{emptyText(change.action)}</p>;
  return (
    <TableFrame>
      <table class="stacks pair">
        <TableHead columns={['Attribute', 'Old', 'New']} />
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <th scope="row">
                <Text of={name} />
              </th>
              {secrets.includes(name) ? (
                <td colSpan={2} class="muted">
                  secret: it differs, and is not shown
                </td>
              ) : (
                <Cells name={name} old={old} next={next} />
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function Cells({
  name,
  old,
  next,
}: {
  readonly name: string;
  readonly old: Values | null;
  readonly next: Values | null;
}): JSX.Element {
  if (old !== null && next !== null) return <ValuePair old={old[name]} next={next[name]} />;
  return (
    <>
      <td data-label="Old">{old !== null && <Value of={old[name]} />}</td>
      <td data-label="New">{next !== null && <Value of={next[name]} />}</td>
    </>
  );
}

function emptyText(action: BoardChange['action']): string {
  if (action === 'link') return 'The object stays; this parent lists it from now on.';
  if (action === 'unlink') return 'The object stays; this parent lists it no longer.';
  return 'It has no attributes.';
}
