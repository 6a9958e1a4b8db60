/** A piece of a line; `differs` where the other side has something else. */
export interface Piece {
  readonly text: string;
  readonly differs: boolean;
}

/** One row of two texts side by side; null where only the other side has a line. */
export interface LinePair {
  readonly old: readonly Piece[] | null;
  readonly new: readonly Piece[] | null;
  readonly equal: boolean;
}

/** The most pairs of items that are compared one by one; above it all between what both have at both ends differs. */
const MOST_PAIRS = 250_000;

/** Lays two texts side by side, line by line, and marks in lines that have changed which words have. */
export function pairLines(before: readonly string[], after: readonly string[]): LinePair[] {
  const pairs: LinePair[] = [];
  const removed: string[] = [];
  const added: string[] = [];
  const flush = (): void => {
    const rows = Math.max(removed.length, added.length);
    for (let row = 0; row < rows; row++) pairs.push(changedPair(removed[row], added[row]));
    removed.length = 0;
    added.length = 0;
  };
  for (const [line, side] of alignment(before, after)) {
    if (side === 'old') removed.push(line);
    else if (side === 'new') added.push(line);
    else {
      flush();
      pairs.push({ old: [whole(line, false)], new: [whole(line, false)], equal: true });
    }
  }
  flush();
  return pairs;
}

function changedPair(before: string | undefined, after: string | undefined): LinePair {
  if (before === undefined || after === undefined) {
    return {
      old: before === undefined ? null : [whole(before, true)],
      new: after === undefined ? null : [whole(after, true)],
      equal: false,
    };
  }
  const steps = alignment(wordsOf(before), wordsOf(after));
  const piecesOf = (side: 'old' | 'new'): Piece[] => {
    const pieces: { text: string; differs: boolean }[] = [];
    for (const [text, of] of steps) {
      if (of !== 'both' && of !== side) continue;
      const last = pieces.at(-1);
      if (last?.differs === (of !== 'both')) last.text += text;
      else pieces.push({ text, differs: of !== 'both' });
    }
    return pieces;
  };
  return { old: piecesOf('old'), new: piecesOf('new'), equal: false };
}

function whole(text: string, differs: boolean): Piece {
  return { text, differs };
}

function wordsOf(line: string): readonly string[] {
  return line.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
}

type Step = readonly [item: string, side: 'old' | 'new' | 'both'];

/** The items of both lists in one order: a longest common subsequence between what both have at their ends. */
function alignment(before: readonly string[], after: readonly string[]): Step[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let [beforeEnd, afterEnd] = [before.length, after.length];
  while (beforeEnd > start && afterEnd > start && before[beforeEnd - 1] === after[afterEnd - 1]) {
    beforeEnd--;
    afterEnd--;
  }
  return [
    ...before.slice(0, start).map((item): Step => [item, 'both']),
    ...between(before.slice(start, beforeEnd), after.slice(start, afterEnd)),
    ...before.slice(beforeEnd).map((item): Step => [item, 'both']),
  ];
}

function between(before: readonly string[], after: readonly string[]): Step[] {
  if (before.length * after.length > MOST_PAIRS) {
    return [...before.map((item): Step => [item, 'old']), ...after.map((item): Step => [item, 'new'])];
  }
  const width = after.length + 1;
  /** How many items the rests from `row` and `column` on have in common. */
  const common = new Uint32Array((before.length + 1) * width);
  const at = (row: number, column: number): number => common[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      common[row * width + column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const steps: Step[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const [old, changed] = [before[row], after[column]];
    if (old !== undefined && old === changed) {
      steps.push([old, 'both']);
      row++;
      column++;
    } else if (old !== undefined && (changed === undefined || at(row + 1, column) >= at(row, column + 1))) {
      steps.push([old, 'old']);
      row++;
    } else if (changed !== undefined) {
      steps.push([changed, 'new']);
      column++;
    }
  }
  return steps;
}
