import { readFileSync, writeFileSync } from 'node:fs';

/**
 * A table of a page that a script writes cell by cell, so that a part can be measured anew. It stands between two comments; the first
 * one ends in `rows: fault, store`, the columns that name a row.
 */
export class PageTable {
  #page;
  #between;
  /** The columns that name a row, and the others. */
  #keys;
  #columns;
  /** The names of each row and its cells by their columns, by the names joined. */
  #rows = new Map();

  /** Reads the table of a place from a page. */
  constructor(page, place) {
    this.#page = page;
    this.#between = new RegExp(`(<!-- ${place}: .*rows: (.*) -->\\n)([^]*)(<!-- end of ${place} -->)`);
    const [, , keys, text] = this.#between.exec(readFileSync(page, 'utf8')) ?? [];
    if (keys === undefined) throw new Error(`${page} has no place for the table of ${place}`);
    this.#keys = keys.split(', ');
    const lines = text.split('\n').filter((line) => line.startsWith('|'));
    const [header = this.#keys, , ...rows] = lines.map(cellsOf);
    this.#columns = header.slice(this.#keys.length);
    for (const row of rows) {
      const names = row.slice(0, this.#keys.length);
      for (const [at, column] of this.#columns.entries()) this.set(names, column, row[names.length + at]);
    }
  }

  set(names, column, text) {
    const row = this.#rows.get(names.join()) ?? { names, cells: new Map() };
    this.#rows.set(names.join(), row);
    row.cells.set(column, text);
    if (!this.#columns.includes(column)) this.#columns.push(column);
  }

  write() {
    const page = readFileSync(this.#page, 'utf8');
    writeFileSync(
      this.#page,
      page.replace(this.#between, (_all, start, _keys, _text, end) => `${start}\n${String(this)}\n\n${end}`),
    );
  }

  toString() {
    const rows = [...this.#rows.values()].map(({ names, cells }) => [
      ...names,
      ...this.#columns.map((column) => cells.get(column) ?? ''),
    ]);
    const table = [[...this.#keys, ...this.#columns], ...rows];
    const widths = table[0].map((_, at) => Math.max(...table.map((row) => row[at].length)));
    const line = (row) => `| ${row.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`;
    return [line(table[0]), line(widths.map((width) => '-'.repeat(width))), ...table.slice(1).map(line)].join('\n');
  }
}

function cellsOf(line) {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
