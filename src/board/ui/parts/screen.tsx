import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { visibleText } from '../../../values/visible-text.js';
import type { ApiError } from '../api.js';
import type { Answer } from '../use-answer.js';
import { Text } from './text.js';

/** Whether a screen was shown before: the first one leaves the focus where the browser puts it. */
let shownBefore = false;

interface ScreenProps {
  /** The heading; also the title of the page, with what is above it. */
  readonly title: string;
  readonly heading?: ComponentChildren;
  /** The screens above this one, outermost first. */
  readonly above?: readonly { readonly title: string; readonly href: string }[];
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** One screen: its heading gets the focus when it is shown, as that of a new page would. */
export function Screen({ title, heading, above = [], actions, children }: ScreenProps): JSX.Element {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${[title, ...above.map((each) => each.title).toReversed()].map(visibleText).join(' · ')} · DiffSync`;
  }, [title]);
  useEffect(() => {
    if (shownBefore) {
      scrollTo(0, 0);
      ref.current?.focus({ preventScroll: true });
    }
    shownBefore = true;
  }, []);
  return (
    <div class="screen">
      {above.length > 0 && (
        <nav class="crumbs" aria-label="Above this">
          <ol>
            {above.map((each) => (
              <li key={each.href}>
                <a href={each.href}>
                  <Text of={each.title} />
                </a>
              </li>
            ))}
          </ol>
        </nav>
      )}
      <div class="heading">
        <h1 ref={ref} tabIndex={-1}>
          {heading ?? <Text of={title} />}
        </h1>
        {actions}
      </div>
      {children}
    </div>
  );
}

/** Shows an answer once it is there, why it is not, or that it is awaited. */
export function Answered<A>({
  answer,
  children,
}: {
  readonly answer: Answer<A>;
  readonly children: (value: A) => ComponentChildren;
}): JSX.Element {
  const { value, error, reload } = answer;
  if (error !== undefined) return <Refused error={error} retry={reload} />;
  if (value === undefined) return <p class="empty">Loading…</p>;
  return <>{children(value)}</>;
}

/** What the server has refused, and a way to try again. */
export function Refused({ error, retry }: { readonly error: ApiError; readonly retry?: () => void }): JSX.Element {
  return (
    <div class="notice notice-bad" role="alert">
      <p>
        {error.status === 401 || error.status === 403 ? 'You may not do this here: ' : ''}
        <Text of={error.message} />
      </p>
      <div class="actions">
        <code class="muted">
          <Text of={error.code} />
        </code>
        {retry !== undefined && (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}

/** A part of a screen with a heading of its own. */
export function Panel({
  title,
  aside,
  children,
}: {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <section class="panel" aria-label={title}>
      <div class="heading">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Names with their values; a value that is null or undefined is left out with its name. */
export function Facts({
  of,
}: {
  readonly of: readonly (readonly [name: string, value: ComponentChildren])[];
}): JSX.Element {
  return (
    <dl class="facts">
      {of.map(([name, value]) =>
        value === undefined || value === null || value === false ? null : (
          <>
            <dt key={name}>{name}</dt>
            <dd>{value}</dd>
          </>
        ),
      )}
    </dl>
  );
}
