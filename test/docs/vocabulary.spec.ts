// docs/glossary.md has one word for one thing; the words that it replaced are not to come back.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));
const WORDS =
  /\b(?:lanes?|ledger(?:ed)?|LateRecord|TextRecord|inTurns?|makeWay|asItIs|inTheWay|whoever|nobody|somebody|is told)\b/;
const IN_COMMENTS = new RegExp(WORDS, 'gi');

const sources = readdirSync(join(root, 'src'), { recursive: true })
  .map((name) => `src/${String(name)}`)
  .filter((path) => /\.(tsx?|lua)$/.test(path) && !path.startsWith('src/testing/'));

/** The retired words among the names and in the comments of a TypeScript file. */
function retiredWords(text: string, path = 'file.ts'): string[] {
  const names: string[] = [];
  const comments = new Map<number, string>();
  const keep = (start: number, end: number): void => {
    comments.set(start, text.slice(start, end).replaceAll(/\s*\n\s*\*?\s*/g, ' '));
  };
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && WORDS.test(node.text)) names.push(node.text);
    ts.forEachLeadingCommentRange(text, node.getFullStart(), keep);
    ts.forEachTrailingCommentRange(text, node.getEnd(), keep);
    for (const child of node.getChildren(file)) if (!ts.isJSDoc(child)) visit(child);
  };
  visit(file);
  const inComments = [...comments.values()].flatMap((comment) => comment.match(IN_COMMENTS) ?? []);
  return [...names, ...inComments];
}

/** The same of a Lua script, in which only strings are neither. */
function retiredLuaWords(text: string): string[] {
  return text.replaceAll(/(['"])(?:(?!\1).)*\1(?=[\s,)\]}])/g, '""').match(IN_COMMENTS) ?? [];
}

describe('docs/glossary.md', () => {
  const rows = [
    ...readFileSync(join(root, 'docs/glossary.md'), 'utf8').matchAll(/^\| (?!-|term)(.+?) +\| (.+?) +\| (.+?) +\|$/gm),
  ];

  it('has each term once, in the order of the alphabet', () => {
    const terms = rows.map(([, term = '']) => term);
    expect(terms.length).toBeGreaterThanOrEqual(30);
    expect(terms).toEqual([...new Set(terms)].toSorted((a, b) => a.localeCompare(b, 'en')));
  });
});

describe('names and comments of src', () => {
  it('are found', () => {
    expect(retiredWords('/** It\n * is\n * told. Nobody. */ const lane = "ledger"; // lanes')).toEqual([
      'lane',
      'is told',
      'Nobody',
      'lanes',
    ]);
    expect(retiredLuaWords("-- The ledger\nlocal lane = redis.call('GET', 'ledger')")).toEqual(['ledger', 'lane']);
  });

  it.each(sources)('%s uses no word that the glossary replaced', (path) => {
    const text = readFileSync(join(root, path), 'utf8');
    expect(path.endsWith('.lua') ? retiredLuaWords(text) : retiredWords(text, path)).toEqual([]);
  });
});
