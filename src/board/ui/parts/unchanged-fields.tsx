import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { BoardChange, ObjectView } from '../../board-api.js';
import { get } from '../api.js';
import { useAnswer } from '../use-answer.js';
import { Answered } from './screen.js';
import { Text } from './text.js';
import { Value } from './value-view.js';

interface UnchangedFieldsProps {
  readonly change: BoardChange;
  /** The store of the target. */
  readonly store: string;
}

/** The fields that a change leaves alone: folded, and read from the target's store when they are unfolded. */
export function UnchangedFields({ change, store }: UnchangedFieldsProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const { model, uid } = change;
  const answer = useAnswer<ObjectView>(open ? JSON.stringify([store, model, uid]) : undefined, (signal) =>
    get('object', { store, model, uid }, signal),
  );
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Unchanged fields</summary>
      {open && (
        <Answered answer={answer}>
          {({ fields }) => {
            const unchanged = (fields ?? []).filter(({ name }) => !Object.hasOwn(change.new ?? {}, name));
            if (unchanged.length === 0) return <p class="muted">It has no others that can be shown.</p>;
            return (
              <dl class="facts">
                {unchanged.map((field) => (
                  <>
                    <dt key={field.name}>
                      <Text of={field.name} />
                    </dt>
                    <dd>{field.secret ? <span class="muted">secret: not shown</span> : <Value of={field.value} />}</dd>
                  </>
                ))}
              </dl>
            );
          }}
        </Answered>
      )}
    </details>
  );
}
