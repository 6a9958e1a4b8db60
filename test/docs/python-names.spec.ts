// docs/coming-from-python.md names each public name of the reference, diffsync 2.2. `python-names.json` has them: those of its classes
// without an underscore before them, and of its modules.
import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const names = JSON.parse(read('python-names.json')) as Record<string, string[]>;

/** The heading below which a class or module stands. */
const HEADINGS: Record<string, string> = {
  DiffSyncModel: 'Models',
  Adapter: 'Adapters',
  DiffSync: 'Adapters',
  Diff: 'Diffs',
  DiffElement: 'Diffs',
  BaseStore: 'Stores',
  LocalStore: 'Stores',
  RedisStore: 'Stores',
};

const sections = new Map(
  read('../../docs/coming-from-python.md')
    .split(/^### /m)
    .map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
);

/** The words of code in the first cells below a heading. */
function wordsBelow(heading: string): ReadonlySet<string> {
  const cells = [...(sections.get(heading) ?? '').matchAll(/^\| (.*?) \|/gm)].map(([, cell = '']) => cell);
  const code = cells.flatMap((cell) => cell.match(/`[^`]+`/g) ?? []);
  return new Set(code.flatMap((text) => text.match(/\w+/g) ?? []));
}

it.each(Object.entries(names))('all of %s', (owner, members) => {
  const isModule = owner.includes('.');
  const words = wordsBelow(HEADINGS[owner] ?? (isModule ? 'Functions' : 'Flags, statuses, errors'));
  // `len(diff)` is its `__len__`.
  const expected = [...(isModule ? [] : [owner]), ...members].map((name) => name.replace(/^__(\w+)__$/, '$1'));
  expect(expected.filter((name) => !words.has(name))).toEqual([]);
});
