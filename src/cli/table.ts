import { visibleText } from '../values/visible-text.js';

/** A column of a table. */
export interface Column {
  readonly heading: string;
  /** Whether cells are aligned to the right, as numbers are. */
  readonly right?: boolean;
}

/** @returns aligned lines, the headings first. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ heading }) => heading), ...rows.map((row) => row.map(visibleText))];
  const widths = columns.map((_, at) => lines.reduce((width, line) => Math.max(width, line[at]?.length ?? 0), 0));
  const cell = (text: string, at: number): string => {
    const width = widths[at] ?? 0;
    return columns[at]?.right === true ? text.padStart(width) : text.padEnd(width);
  };
  return lines.map((line) => `${line.map(cell).join('  ').trimEnd()}\n`).join('');
}
