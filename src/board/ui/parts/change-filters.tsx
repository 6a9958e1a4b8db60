import type { JSX } from 'preact';
import type { ModelChanges, RunView } from '../../board-api.js';
import { count } from '../format.js';
import { SearchForm } from './search-form.js';
import { Text } from './text.js';

/** Which changes are shown; an empty list is all. */
export interface ChangeQuery {
  readonly model: readonly string[];
  readonly action: readonly string[];
  readonly result: readonly string[];
  readonly search: string;
  readonly [name: string]: string | readonly string[];
}

interface ChangeFiltersProps {
  readonly view: RunView;
  readonly filter: ChangeQuery;
  readonly show: (changed: Partial<ChangeQuery>) => void;
}

const COUNTED = ['create', 'update', 'delete'] as const;
const LINKS = ['link', 'unlink'] as const;
const RESULTS = ['done', 'failed', 'stale', 'left-out', 'planned'];

/** Models and actions with how many changes each has, results, and a search. */
export function ChangeFilters({ view, filter, show }: ChangeFiltersProps): JSX.Element {
  const ofAction = (action: (typeof COUNTED)[number]): number =>
    sum(view.models.filter(chosen(filter.model, ({ model }) => model)).map((each) => each[action]));
  const ofModel = (each: ModelChanges): number =>
    sum(COUNTED.filter(chosen(filter.action, (action) => action)).map((action) => each[action]));
  return (
    <section class="panel" aria-label="Filters">
      <div class="filters">
        <fieldset>
          <legend>Model</legend>
          <div class="choices">
            {view.models.map((each) => (
              <Choice
                key={each.model}
                value={each.model}
                number={ofModel(each)}
                of={filter.model}
                choose={(model) => show({ model })}
              />
            ))}
          </div>
        </fieldset>
        <fieldset>
          <legend>Action</legend>
          <div class="choices">
            {COUNTED.map((action) => (
              <Choice
                key={action}
                value={action}
                number={ofAction(action)}
                of={filter.action}
                choose={(chosen) => show({ action: chosen })}
              />
            ))}
            {LINKS.map((action) => (
              <Choice key={action} value={action} of={filter.action} choose={(chosen) => show({ action: chosen })} />
            ))}
          </div>
        </fieldset>
        {view.run.kind !== 'dry-run' && (
          <label>
            Result
            <select
              value={filter.result[0] ?? ''}
              onChange={(event) => show({ result: [event.currentTarget.value].filter(Boolean) })}
            >
              <option value="">any</option>
              {RESULTS.map((result) => (
                <option key={result} value={result}>
                  {result.replace('-', ' ')}
                </option>
              ))}
            </select>
          </label>
        )}
        <SearchForm label="Part of the unique id" value={filter.search} search={(search) => show({ search })} />
      </div>
    </section>
  );
}

interface ChoiceProps {
  readonly value: string;
  readonly number?: number;
  /** What is chosen. */
  readonly of: readonly string[];
  readonly choose: (chosen: readonly string[]) => void;
}

function Choice({ value, number, of, choose }: ChoiceProps): JSX.Element {
  const pressed = of.includes(value);
  return (
    <button
      type="button"
      class="choice"
      aria-pressed={pressed}
      onClick={() => choose(pressed ? of.filter((each) => each !== value) : [...of, value])}
    >
      <Text of={value} />
      {number !== undefined && <span class="muted">{count(number)}</span>}
    </button>
  );
}

function chosen<T>(values: readonly string[], valueOf: (item: T) => string): (item: T) => boolean {
  return (item) => values.length === 0 || values.includes(valueOf(item));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
