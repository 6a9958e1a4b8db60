/** What `GET /health` of examples/operations has answered, in docs/operations.md: as it was captured, and as it is compared. */
import { readFile, writeFile } from 'node:fs/promises';
import { format } from 'oxfmt';

const PAGE = 'docs/operations.md';
const BEGIN = '<!-- health-bodies: by UPDATE_DOCS=1 and test/e2e/operations.e2e-spec.ts -->';
const END = '<!-- /health-bodies -->';

/** An answer, and what had happened before it. */
export interface HealthAnswer {
  readonly state: string;
  readonly status: number;
  readonly body: unknown;
}

/** Writes the answers into the page. */
export async function writeAnswers(answers: readonly HealthAnswer[]): Promise<void> {
  const { before, after } = await partsOfPage();
  const text = answers.map(({ state, status, body }) => {
    return `${state}: ${status}\n\n\`\`\`json\n${JSON.stringify(body, null, 2)}\n\`\`\`\n`;
  });
  const { code: part } = await format('health.md', text.join('\n'), { printWidth: 120 });
  await writeFile(PAGE, `${before}${BEGIN}\n\n${part}\n${END}${after}`);
}

/** Returns the answers that the page has. */
export async function readAnswers(): Promise<HealthAnswer[]> {
  const { part } = await partsOfPage();
  return [...part.matchAll(/^([^\n]+): (\d{3})\n\n```json\n(.*?)```/gms)].map(([, state = '', status, body = '']) => ({
    state,
    status: Number(status),
    body: JSON.parse(body) as unknown,
  }));
}

/** Returns an answer without what no two runs have in common: numbers of a measurement, and ports. */
export function comparable({ state, status, body }: HealthAnswer): HealthAnswer {
  const text = JSON.stringify(body, (_, value: unknown) => {
    if (typeof value === 'number') return 0;
    return typeof value === 'string' ? value.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:0') : value;
  });
  return { state, status, body: JSON.parse(text) as unknown };
}

async function partsOfPage(): Promise<{ before: string; part: string; after: string }> {
  const page = await readFile(PAGE, 'utf8');
  const [before = '', rest = ''] = page.split(BEGIN);
  const [part = '', after] = rest.split(END);
  if (after === undefined) throw new Error(`${PAGE} has no part between ${BEGIN} and ${END}`);
  return { before, part, after };
}
