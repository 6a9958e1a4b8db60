import type { JSX } from 'preact';
import { visibleText } from '../../../values/visible-text.js';

/** A text of data in a line: what it hides is escaped, and its direction does not reach what stands beside it. */
export function Text({ of }: { readonly of: string }): JSX.Element {
  return <bdi>{visibleText(of)}</bdi>;
}

/** A unique id, in letters of one width. */
export function Uid({ of }: { readonly of: string }): JSX.Element {
  return (
    <code class="uid">
      <Text of={of} />
    </code>
  );
}
