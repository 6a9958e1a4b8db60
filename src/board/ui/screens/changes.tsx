import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { BoardChange, ChangePage, RunView } from '../../board-api.js';
import { get } from '../api.js';
import * as addresses from '../addresses.js';
import { useAdapter } from '../board.js';
import { counted } from '../format.js';
import { goTo } from '../location.js';
import { announce } from '../parts/announcer.js';
import { ActionBadge, Badge, ResultBadge } from '../parts/badge.js';
import { ChangeFilters, type ChangeQuery } from '../parts/change-filters.js';
import { ChangedValues } from '../parts/changed-values.js';
import { Pager } from '../parts/pager.js';
import { Answered, Screen } from '../parts/screen.js';
import { Text, Uid } from '../parts/text.js';
import { UnchangedFields } from '../parts/unchanged-fields.js';
import { searchOn } from '../search-on.js';
import { useAnswer } from '../use-answer.js';
import { titleOf } from './run.js';

const PAGE = '50';

interface ChangesProps {
  readonly target: string;
  readonly id: string;
  readonly query: URLSearchParams;
}

/** The changes of a run or of a dry run. One page is on the screen, and in the memory of the browser. */
export function Changes({ target, id, query }: ChangesProps): JSX.Element {
  const path = `runs/${encodeURIComponent(id)}`;
  const run = useAnswer<RunView>(JSON.stringify([target, id]), (signal) => get(path, { target }, signal));
  const filter: ChangeQuery = {
    model: query.getAll('model'),
    action: query.getAll('action'),
    result: query.getAll('result'),
    search: query.get('search') ?? '',
  };
  const from = query.get('from') ?? '';
  const answer = useAnswer<ChangePage>(JSON.stringify([target, id, filter, from]), (signal) =>
    searchOn(
      from,
      (first) => get<ChangePage>(`${path}/changes`, { target, ...filter, from: first, limit: PAGE }, signal),
      ({ changes, next }) => ({ empty: changes.length === 0, next: next === null ? null : String(next) }),
    ),
  );
  const { value } = answer;
  useEffect(() => {
    if (value !== undefined) announce(`${counted(value.changes.length, 'change')} on this page`);
  }, [value]);
  const show = (changed: Partial<ChangeQuery>): void => goTo(addresses.changes(target, id, { ...filter, ...changed }));
  return (
    <Screen
      title="Changes"
      above={[
        { title: 'Runs', href: addresses.runs() },
        { title: run.value === undefined ? 'Run' : titleOf(run.value.run), href: addresses.run(target, id) },
      ]}
      actions={
        (run.value?.decisions.length ?? 0) > 0 && (
          <div class="actions">
            <a class="button" href={addresses.decideOn(target, id)}>
              Decide
            </a>
          </div>
        )
      }
    >
      <Answered answer={run}>{(view) => <ChangeFilters view={view} filter={filter} show={show} />}</Answered>
      <Answered answer={answer}>
        {(page) => (
          <>
            <ChangeList page={page} target={target} busy={answer.busy} />
            <Pager
              label="Pages of changes"
              here={from}
              next={page.next === null ? null : String(page.next)}
              href={(cursor) => addresses.changes(target, id, { ...filter, from: cursor })}
            />
          </>
        )}
      </Answered>
    </Screen>
  );
}

interface ChangeListProps {
  readonly page: ChangePage;
  readonly target: string;
  readonly busy: boolean;
}

function ChangeList({ page, target, busy }: ChangeListProps): JSX.Element {
  const store = useAdapter(target)?.store ?? null;
  if (page.changes.length === 0) {
    return (
      <p class="empty">{page.next === null ? 'No change matches.' : 'None so far: the next page looks further.'}</p>
    );
  }
  return (
    <ol class="changes" aria-busy={busy} aria-label="Changes">
      {page.changes.map((change) => (
        <Change key={change.index} change={change} store={store} />
      ))}
    </ol>
  );
}

function Change({ change, store }: { readonly change: BoardChange; readonly store: string | null }): JSX.Element {
  return (
    <li class="panel change" data-index={change.index}>
      <div class="change-head">
        <ActionBadge of={change.action} />
        <Text of={change.model} />
        <h2>
          {store === null ? (
            <Uid of={change.uid} />
          ) : (
            <a href={addresses.object(store, change.model, change.uid)}>
              <Uid of={change.uid} />
            </a>
          )}
        </h2>
        {change.result !== 'planned' && <ResultBadge of={change.result} />}
        {change.moves && <Badge text="moves" />}
        {change.parents.length > 0 && (
          <span class="muted">
            below <Text of={change.parents.map(({ model, uid }) => `${model} ${uid}`).join(' / ')} />
          </span>
        )}
      </div>
      {change.message !== undefined && (
        <p class="notice notice-warn">
          <Text of={change.message} />
        </p>
      )}
      <ChangedValues change={change} />
      {store !== null && change.action === 'update' && <UnchangedFields change={change} store={store} />}
    </li>
  );
}
