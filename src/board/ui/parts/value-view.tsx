import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { pairLines, type LinePair, type Piece } from '../values/mark-difference.js';
import { readablePair, readableValue, type ReadableValue } from '../values/value-lines.js';

/** So many equal lines stay around what has changed; a longer stretch of them is folded. */
const CONTEXT = 2;
const SHORTEST_FOLD = 4;

/** One value. */
export function Value({ of }: { readonly of: unknown }): JSX.Element {
  const { lines, kind, cut } = readableValue(of);
  return (
    <div class={`value value-${kind}`} dir="ltr">
      {lines.map((line, at) => (
        <Line key={at} pieces={[{ text: line, differs: false }]} />
      ))}
      <Cut lines={cut} />
    </div>
  );
}

/** The cells of two values side by side, with what differs marked and long stretches of equal lines folded. */
export function ValuePair({ old, next }: { readonly old: unknown; readonly next: unknown }): JSX.Element {
  const [before, after] = readablePair(old, next);
  const rows = foldEqual(pairLines(before.lines, after.lines));
  const [unfolded, setUnfolded] = useState<ReadonlySet<number>>(new Set());
  const side = (which: 'old' | 'new', { kind, cut }: ReadableValue): JSX.Element => (
    <div class={`value value-${kind}`} dir="ltr">
      {rows.map((row, at) =>
        'folded' in row && !unfolded.has(at) ? (
          <button
            key={at}
            type="button"
            class="fold"
            onClick={() => setUnfolded(new Set([...unfolded, at]))}
          >{`${row.folded.length} equal lines`}</button>
        ) : (
          ('folded' in row ? row.folded : [row]).map((pair, line) => (
            <Line key={`${at}.${line}`} pieces={pair[which]} side={pair.equal ? undefined : which} />
          ))
        ),
      )}
      <Cut lines={cut} />
    </div>
  );
  return (
    <>
      <td data-label="Old">{side('old', before)}</td>
      <td data-label="New">{side('new', after)}</td>
    </>
  );
}

function Line({
  pieces,
  side,
}: {
  readonly pieces: readonly Piece[] | null;
  readonly side?: 'old' | 'new' | undefined;
}): JSX.Element {
  if (pieces === null) return <div class="line line-absent" />;
  return (
    <div class={side === undefined ? 'line' : `line line-${side}`}>
      {pieces.map(({ text, differs }, at) => (differs ? <mark key={at}>{text}</mark> : <span key={at}>{text}</span>))}
    </div>
  );
}

function Cut({ lines }: { readonly lines: number }): JSX.Element | null {
  return lines === 0 ? null : <div class="muted">{`… ${lines} more lines`}</div>;
}

type Row = LinePair | { readonly folded: readonly LinePair[] };

function foldEqual(pairs: readonly LinePair[]): Row[] {
  let rows: Row[] = [];
  let equal: LinePair[] = [];
  const flush = (atEnd: boolean): void => {
    const head = rows.length === 0 ? 0 : CONTEXT;
    const last = equal.length - (atEnd ? 0 : CONTEXT);
    const folded = equal.slice(head, Math.max(head, last));
    rows = rows.concat(
      folded.length < SHORTEST_FOLD ? equal : [...equal.slice(0, head), { folded }, ...equal.slice(last)],
    );
    equal = [];
  };
  for (const pair of pairs) {
    if (pair.equal) equal.push(pair);
    else {
      flush(false);
      rows.push(pair);
    }
  }
  flush(true);
  return rows;
}
