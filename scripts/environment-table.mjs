// Writes the table of environment variables into docs/configuration.md, from their schema as it is built: `npm run
// docs:environment`. A test sees that what it writes is checked in.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'oxfmt';

const PAGE = fileURLToPath(new URL('../docs/configuration.md', import.meta.url));
const BEGIN = '<!-- environment: by scripts/environment-table.mjs -->';
const END = '<!-- /environment -->';
const ENGINES = 3;

/** @returns the page with the table of these variables between its markers. */
export async function withTable(page, variables) {
  const [before, rest = ''] = page.split(BEGIN);
  const [, after] = rest.split(END);
  if (after === undefined) throw new Error(`the page has no part between ${BEGIN} and ${END}`);
  const rows = variables.map(({ name, option, engines, meaning, default: without = '' }) => [
    `\`${name}\``,
    `\`${option}\``,
    engines.length === ENGINES ? 'every' : engines.join(', '),
    meaning,
    without,
  ]);
  const lines = [['variable', 'option', 'engine', 'meaning', 'default'], Array(5).fill('---'), ...rows];
  const files = variables.filter(({ fromFile }) => fromFile).map(({ name }) => `\`${name}\``);
  const table = lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const text = `${table}\n\nMay stand in a file: ${files.join(', ')}.\n`;
  const { code: part } = await format('environment.md', text, { printWidth: 120, proseWrap: 'always' });
  return `${before}${BEGIN}\n\n${part}\n${END}${after}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { VARIABLES, variableOf } = await import('../dist/module/store-environment.js');
  const variables = VARIABLES.map((name) => ({ name, ...variableOf(name) }));
  writeFileSync(PAGE, await withTable(readFileSync(PAGE, 'utf8'), variables));
}
