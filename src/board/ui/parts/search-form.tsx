import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';

interface SearchFormProps {
  readonly label: string;
  /** What was searched for last; '' for nothing. */
  readonly value: string;
  readonly search: (text: string) => void;
}

/** Searches when it is sent, not with each letter: each search is work for the server. */
export function SearchForm({ label, value, search }: SearchFormProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  return (
    <form
      class="form"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        search(input.current?.value ?? '');
      }}
    >
      <label>
        {label}
        <input ref={input} type="search" key={value} defaultValue={value} autocomplete="off" spellcheck={false} />
      </label>
      <button type="submit">Search</button>
      {value !== '' && (
        <button type="button" onClick={() => search('')}>
          All
        </button>
      )}
    </form>
  );
}
