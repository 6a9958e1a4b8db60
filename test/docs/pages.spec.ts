// What every page of the documentation must keep to: code that is a file, links that lead somewhere, an index of all pages.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const docs = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const examples = readdirSync(join(root, 'examples'))
  .map((name) => `examples/${name}/README.md`)
  .filter((path) => existsSync(join(root, path)));
const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...docs, ...examples];
/** Its test, `test/store/custom-store.spec.ts`, knows that it shows parts of files too. */
const WITH_PARTS = 'docs/custom-store.md';

/** A heading's anchor, as the sites that show Markdown make it. */
function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

describe.each(pages)('%s', (page) => {
  const text = read(page);

  it('has no link that leads nowhere', () => {
    const prose = text.replaceAll(/```.*?```/gs, '');
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      expect([target, existsSync(join(root, file))]).toEqual([target, true]);
      if (anchor === undefined) continue;
      const headings = [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
      expect(headings).toContain(anchor);
    }
  });

  it('shows code as it is in the repository', () => {
    const blocks = [...text.matchAll(/<!-- (\S+) -->\n\n```ts\n(.*?)```/gs)];
    for (const [, path = '', code] of blocks) expect(code).toBe(read(path));
    if (page !== WITH_PARTS) expect(text.match(/```ts/g) ?? []).toHaveLength(blocks.length);
  });

  it('names commands that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const [, script = ''] of text.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:]+)\b/g)) {
      expect([script, script in scripts]).toEqual([script, true]);
    }
  });
});

it('docs/configuration.md has no table wider than 120 characters', () => {
  const rows = read('docs/configuration.md')
    .split('\n')
    .filter((line) => line.startsWith('|'));
  expect(rows.filter((line) => line.length > 120)).toEqual([]);
});

it.each(['README.md', 'docs/README.md'])('%s names every page', (index) => {
  const text = read(index);
  const missing = docs.filter(
    (page) => page !== 'docs/README.md' && !text.includes(page.slice(dirname(index) === 'docs' ? 5 : 0)),
  );
  expect(missing).toEqual([]);
});

it('ARCHITECTURE.md names files and rooms of src that exist', () => {
  const names = [...read('ARCHITECTURE.md').matchAll(/`([\w./-]+(?:\.(?:ts|lua)|\/))`/g)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(40);
  const folders = ['src', 'src/store/redis', '.'];
  expect(names.filter((name) => !folders.some((folder) => existsSync(join(root, folder, name))))).toEqual([]);
});
