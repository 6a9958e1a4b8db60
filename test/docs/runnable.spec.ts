// A code block that is followed by "prints" and a text is run, and prints that text.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { afterEach, expect, it, jest } from '@jest/globals';

const fileOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The file of each such block, and what the page says that it prints. */
const blocks = readdirSync(fileOf('docs'))
  .filter((name) => name.endsWith('.md'))
  .flatMap((name) => [
    ...readFileSync(fileOf(`docs/${name}`), 'utf8').matchAll(
      /<!-- (\S+) -->\n\n```ts\n(?:(?!```).)*```\n\nprints\n\n```text\n(.*?)```/gs,
    ),
  ])
  .map(([, path = '', text = '']) => [path, text] as const);

afterEach(() => {
  jest.restoreAllMocks();
});

it('there are some', () => {
  expect(blocks.length).toBeGreaterThanOrEqual(3);
});

it.each(blocks)('%s prints what its page says', async (path, expected) => {
  const printed: string[] = [];
  jest.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
    printed.push(values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '));
  });
  await import(fileOf(path));
  expect(`${printed.join('\n')}\n`).toBe(expected);
});
