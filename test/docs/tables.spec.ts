// Tables of pages that say the same as the code.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { withSchemaTable } from '../../scripts/schema-table.mjs';
import * as library from '../../src/index.js';

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

/** The first cells of the rows of a table that begins with this heading, and the second ones. */
function rowsOf(page: string, heading: string): string[][] {
  const [, after = ''] = page.split(new RegExp(`^\\| ${heading} .*\\n\\| -.*\\n`, 'm'));
  const rows = after.split('\n').slice(
    0,
    after.split('\n').findIndex((line) => !line.startsWith('|')),
  );
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, 3)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

describe('docs/diff-and-sync.md', () => {
  it.each([
    ['DiffSyncFlags', library.DiffSyncFlags],
    ['DiffSyncModelFlags', library.DiffSyncModelFlags],
  ])('has each of the %s, with its value', (name, flags) => {
    const rows = rowsOf(read('docs/diff-and-sync.md'), `\`${name}\``);
    const values = Object.entries(flags).filter(([, value]) => typeof value === 'number');
    expect(Object.fromEntries(rows.map(([flag, value]) => [flag, Number(value)]))).toEqual(Object.fromEntries(values));
  });
});

describe('docs/models-and-schemas.md', () => {
  it('has the table as npm run docs:schemas writes it', async () => {
    const page = read('docs/models-and-schemas.md');
    expect(await withSchemaTable(page, library)).toBe(page);
  });
});

describe('docs/custom-store.md', () => {
  it('has every primitive that a store may override', () => {
    const documented = rowsOf(read('docs/custom-store.md'), 'primitive').map(([name = '']) => name);
    const file = ts.createSourceFile('f.ts', read('src/store/store-backend.ts'), ts.ScriptTarget.Latest, true);
    const names: string[] = [];
    file.forEachChild((node) => {
      if (!ts.isClassDeclaration(node) || node.name?.text !== 'StoreBackend') return;
      for (const member of node.members) {
        if (ts.isMethodDeclaration(member) && ts.isIdentifier(member.name)) names.push(member.name.text);
      }
    });
    /** What BaseStore gives a primitive to call. */
    const given = ['leaseLost', 'toString', 'validateRecord', 'damagedRecord', 'backendError'];
    const overridable = names.filter((name) => !given.includes(name));
    expect(new Set(documented)).toEqual(new Set(overridable));
  });
});
