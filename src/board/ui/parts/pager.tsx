import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { goTo } from '../location.js';

interface PagerProps {
  /** What is paged, for people: `Pages of runs`. */
  readonly label: string;
  /** The cursor of this page; '' on the first. */
  readonly here: string;
  /** The cursor of the next page; null on the last. */
  readonly next: string | null;
  readonly href: (cursor: string) => string;
}

/** Goes from page to page. The server has cursors that lead on only: the way back is what was passed on the way here. */
export function Pager({ label, here, next, href }: PagerProps): JSX.Element | null {
  const before = useRef(new Map<string, string>());
  if (here === '' && next === null) return null;
  const previous = before.current.get(here);
  const to = (cursor: string): void => goTo(href(cursor));
  return (
    <nav class="pager" aria-label={label}>
      <button type="button" disabled={here === ''} onClick={() => to('')}>
        First page
      </button>
      <button type="button" disabled={previous === undefined} onClick={() => previous !== undefined && to(previous)}>
        Previous page
      </button>
      <button
        type="button"
        disabled={next === null}
        onClick={() => {
          if (next === null) return;
          before.current.set(next, here);
          to(next);
        }}
      >
        Next page
      </button>
    </nav>
  );
}
