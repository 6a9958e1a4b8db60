import { visibleText } from '../values/visible-text.js';
import {
  attributesOf,
  differencesOf,
  grouped,
  notesOf,
  redactChange,
  redactRun,
  resultOf,
  secondsOf,
  type Reporter,
  type ShownChange,
  type ShownRun,
} from './report.js';

/** Characters of a whole report: a comment on GitHub takes 65,536. */
const MAX_LENGTH = 60_000;
/** Characters of one text of data. */
const MAX_TEXT = 300;
/** Lines of one kind of notes. */
const MAX_NOTES = 10;

/** Markdown of a bounded length, for a pull request. All data is in code spans, which Markdown does not look into. */
export const markdownReporter: Reporter = {
  async *run({ run: given, changes }) {
    const run = redactRun(given);
    const head = [heading(run), '', facts(run), ...models(run), ...notes(run)];
    const lines = new BoundedLines(head);
    let leftOut = 0;
    if (changes !== undefined && differencesOf(run) > 0) {
      lines.add('');
      for await (const change of changes) if (leftOut > 0 || !lines.add(lineOf(change, run))) leftOut++;
    }
    const { id } = run;
    const where = id === undefined ? '' : `; \`nestjs-diffsync runs ${id}\` prints them`;
    yield lines.toString(leftOut === 0 ? undefined : `${grouped(leftOut)} more changes are left out here${where}.`);
  },
  *runs({ runs, next }) {
    const columns = ['run', 'kind', 'outcome', 'create', 'update', 'delete'];
    const lines = new BoundedLines([row(columns), row(['---', '---', '---', '---:', '---:', '---:'])]);
    const shown = runs.filter(({ id, kind, outcome, counts }) => {
      const numbers = [counts?.create, counts?.update, counts?.delete];
      return lines.add(
        row([id, kind, outcome, ...numbers.map((count) => (count === undefined ? '-' : grouped(count)))]),
      );
    });
    const isAll = shown.length === runs.length && next === undefined;
    yield lines.toString(isAll ? undefined : 'There are older runs.');
  },
  *object(model, uid, changes) {
    const lines = new BoundedLines([`### ${code(model)} ${code(uid)}`, '']);
    const shown = changes.filter((change) => lines.add(`${lineOf(change)}, run ${code(change.run)}`));
    const left = changes.length - shown.length;
    yield lines.toString(left === 0 ? undefined : `${grouped(left)} more changes are left out here.`);
  },
};

/** Lines up to the bound, with room for a last one that says what was left out. */
class BoundedLines {
  private readonly lines: string[] = [];
  private length = 200;

  constructor(lines: readonly string[]) {
    for (const line of lines) this.add(line);
  }

  /** @returns whether there was room for the line. */
  add(line: string): boolean {
    if (this.length + line.length + 1 > MAX_LENGTH) return false;
    this.length += line.length + 1;
    this.lines.push(line);
    return true;
  }

  toString(last: string | undefined): string {
    return `${[...this.lines, ...(last === undefined ? [] : ['', last])].join('\n')}\n`;
  }
}

function heading(run: ShownRun): string {
  const { source, target } = run;
  const differences = differencesOf(run);
  const found =
    differences === 0 ? 'no differences' : `${grouped(differences)} difference${differences === 1 ? '' : 's'}`;
  return `### ${code(source)} → ${code(target)}: ${run.counts === undefined ? run.outcome : found}`;
}

function facts(run: ShownRun): string {
  const { id, kind, of, outcome, by, label, startedAt, results } = run;
  const took = secondsOf(run);
  return [
    id === undefined
      ? 'Comparison (not recorded)'
      : `Run ${code(id)} (${kind}${of === undefined ? '' : ` of ${code(of)}`})`,
    outcome,
    ...(results === undefined
      ? []
      : [
          `${grouped(results.done)} done, ${results.failed} failed, ${results.stale} stale, ${results.leftOut} left out`,
        ]),
    ...(by === undefined ? [] : [`by ${code(by)}`]),
    ...(label === undefined ? [] : [`label ${code(label)}`]),
    took === undefined ? startedAt : `${startedAt}, ${took}`,
  ].join(', ');
}

function models({ models: found }: ShownRun): string[] {
  const rows = Object.entries(found).map(([model, { source, target, create, update, delete: gone }]) =>
    row([code(model), ...[source, target, create, update, gone].map(grouped)]),
  );
  if (rows.length === 0) return [];
  const columns = ['model', 'source', 'target', 'create', 'update', 'delete'];
  return ['', row(columns), row(['---', ...columns.slice(1).map(() => '---:')]), ...rows];
}

function notes(run: ShownRun): string[] {
  const byName = new Map<string, string[]>();
  for (const [name, text] of notesOf(run)) {
    const texts = byName.get(name);
    if (texts === undefined) byName.set(name, [text]);
    else texts.push(text);
  }
  return [...byName].flatMap(([name, texts]) => {
    const more = texts.length > MAX_NOTES ? [`- and ${grouped(texts.length - MAX_NOTES)} more`] : [];
    return ['', ...texts.slice(0, MAX_NOTES).map((text) => `- **${name}**: ${code(text, 1000)}`), ...more];
  });
}

function lineOf(change: ShownChange, run?: ShownRun): string {
  const { model, uid, parents, action, moves, message } = redactChange(change);
  const result = resultOf(change, run);
  const above = parents.at(-1);
  const attributes = attributesOf(change).map(({ name, old, new: changed }) => {
    const both = old !== undefined && changed !== undefined;
    return `${code(name)} ${both ? `${code(old)} → ${code(changed)}` : code(changed ?? old ?? '')}`;
  });
  return [
    `- **${action}** ${code(model)} ${code(uid)}`,
    above === undefined ? '' : ` below ${code(above.model)} ${code(above.uid)}`,
    moves ? ' (moves)' : '',
    attributes.length === 0 ? '' : `: ${attributes.join(', ')}`,
    result === undefined ? '' : ` (${result})`,
    message === undefined ? '' : ` ${code(message)}`,
  ].join('');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Returns a code span with a text of data, in one line. The fence is longer than each run of backticks in it. */
function code(text: string, max = MAX_TEXT): string {
  const visible = visibleText(text);
  const shown = visible.length > max ? `${visible.slice(0, max)}…` : visible;
  const longest = (shown.match(/`+/g) ?? []).reduce((length, run) => Math.max(length, run.length), 0);
  const fence = '`'.repeat(longest + 1);
  const space = shown === '' || /^[ `]|[ `]$/.test(shown) ? ' ' : '';
  return `${fence}${space}${shown}${space}${fence}`;
}
