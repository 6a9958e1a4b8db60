// What `npm run docs:build` relies on; it takes too long to be among the tests, and refuses other dead links itself.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { siteLink } from '../../docs/.vitepress/site-links.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

it.each([
  ['../README.md#testing-an-application', '../index.md#testing-an-application'],
  ['../examples/nightly', '../examples/nightly/index.md'],
  ['../examples/nightly/src', '../examples/nightly/index.md'],
  ['../examples/nightly/src/cmdb.models.ts', '../examples/nightly/index.md#src-cmdb-models-ts'],
  ['../../docs/redis.md#keys', '../../docs/redis.md#keys'],
  ['https://example.org/README.md', 'https://example.org/README.md'],
])('the link %s is %s on the site', (href, expected) => {
  expect(siteLink(href)).toBe(expected);
});

it('every example has a page', () => {
  const examples = readdirSync(join(root, 'examples')).filter((name) => name !== 'readme');
  expect(examples.filter((name) => !existsSync(join(root, 'examples', name, 'README.md')))).toEqual([]);
});

it('every link to a file of an example names one', () => {
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  const links = pages.flatMap((page) => [
    ...readFileSync(join(root, 'docs', page), 'utf8').matchAll(/\]\(\.\.\/(examples\/[^)#]+)/g),
  ]);
  expect(links.length).toBeGreaterThan(3);
  expect(links.map(([, path = '']) => path).filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

it('no page has a link to an address of the reader’s own machine, which VitePress counts as dead', () => {
  const examples = readdirSync(join(root, 'examples')).map((name) => join('examples', name, 'README.md'));
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  const pages = ['README.md', ...docs.map((name) => join('docs', name)), ...examples].filter((page) =>
    existsSync(join(root, page)),
  );
  expect(pages.length).toBeGreaterThan(20);
  const local = /(?:\]\(|<)https?:\/\/(?:localhost|127\.0\.0\.1)\b/;
  expect(pages.filter((page) => local.test(readFileSync(join(root, page), 'utf8')))).toEqual([]);
});
