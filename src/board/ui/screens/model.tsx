import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ObjectPage, ObjectRow } from '../../board-api.js';
import { get } from '../api.js';
import * as addresses from '../addresses.js';
import { counted } from '../format.js';
import { goTo } from '../location.js';
import { announce } from '../parts/announcer.js';
import { Pager } from '../parts/pager.js';
import { Answered, Screen } from '../parts/screen.js';
import { SearchForm } from '../parts/search-form.js';
import { TableFrame } from '../parts/table-frame.js';
import { Text, Uid } from '../parts/text.js';
import { searchOn } from '../search-on.js';
import { useAnswer } from '../use-answer.js';
import { readableValue } from '../values/value-lines.js';

const PAGE = '50';
/** So many fields are columns; an object's own screen has all. */
const COLUMNS = 4;
const LONGEST_CELL = 120;

interface ModelProps {
  readonly store: string;
  readonly model: string;
  readonly query: URLSearchParams;
}

/** The objects of one model in one store. */
export function Model({ store, model, query }: ModelProps): JSX.Element {
  const [search, after] = [query.get('search') ?? '', query.get('after') ?? ''];
  const answer = useAnswer<ObjectPage>(JSON.stringify([store, model, search, after]), (signal) =>
    searchOn(
      after,
      (from) => get<ObjectPage>('objects', { store, model, search, after: from, limit: PAGE }, signal),
      ({ objects, next }) => ({ empty: objects.length === 0, next }),
    ),
  );
  const { value } = answer;
  useEffect(() => {
    if (value !== undefined) announce(`${counted(value.objects.length, 'object')} on this page`);
  }, [value]);
  return (
    <Screen
      title={model}
      above={[
        { title: 'Stores', href: addresses.stores() },
        { title: store || 'Store', href: addresses.store(store) },
      ]}
    >
      <SearchForm
        label="Part of the unique id"
        value={search}
        search={(text) => goTo(addresses.model(store, model, { search: text }))}
      />
      <Answered answer={answer}>
        {(page) => (
          <>
            {page.objects.length === 0 ? (
              <p class="empty">
                {page.next === null ? 'No object matches.' : 'None so far: the next page looks further.'}
              </p>
            ) : (
              <section class="panel" aria-label="Objects">
                <ObjectTable store={store} page={page} busy={answer.busy} />
              </section>
            )}
            <Pager
              label="Pages of objects"
              here={after}
              next={page.next}
              href={(cursor) => addresses.model(store, model, { search, after: cursor })}
            />
          </>
        )}
      </Answered>
    </Screen>
  );
}

function ObjectTable({
  store,
  page,
  busy,
}: {
  readonly store: string;
  readonly page: ObjectPage;
  readonly busy: boolean;
}): JSX.Element {
  const columns = columnsOf(page.objects);
  return (
    <TableFrame busy={busy}>
      <table class="stacks">
        <thead>
          <tr>
            <th scope="col">Unique id</th>
            {columns.map((column) => (
              <th key={column} scope="col">
                <Text of={column} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {page.objects.map(({ uid, fields }) => (
            <tr key={uid}>
              <th scope="row">
                <a href={addresses.object(store, page.model, uid)}>
                  <Uid of={uid} />
                </a>
              </th>
              {columns.map((column) => (
                <td key={column} data-label={column}>
                  {fields !== null && Object.hasOwn(fields, column) && (
                    <span class="cell">{cellText(fields[column])}</span>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

/** The first fields; not one that only repeats the unique id. */
function columnsOf(objects: readonly ObjectRow[]): string[] {
  const names = new Set<string>();
  for (const { fields } of objects) for (const name of Object.keys(fields ?? {})) names.add(name);
  const says = (name: string): boolean => objects.some(({ uid, fields }) => fields?.[name] !== uid);
  return [...names].filter(says).slice(0, COLUMNS);
}

function cellText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : counted(value.length, 'item');
  const text = readableValue(value).lines.join(' ');
  return text.length > LONGEST_CELL ? `${text.slice(0, LONGEST_CELL)}…` : text;
}
