import type { SyncRun } from '../index.js';
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
import { table, type Column } from './table.js';

/** Lines for people, the changes without a bound. */
export const textReporter: Reporter = {
  async *run({ run: given, changes }) {
    const run = redactRun(given);
    yield facts(run);
    yield models(run);
    yield notes(run);
    if (changes === undefined) return;
    if (run.counts !== undefined && differencesOf(run) === 0) yield '\nNo differences\n';
    let separator = '\n';
    for await (const change of changes) {
      yield `${separator}${lineOf(change, run)}`;
      separator = '';
    }
  },
  *runs({ runs, next }) {
    yield runs.length === 0 ? 'No runs\n' : table(RUN_COLUMNS, runs.map(rowOf));
    if (next !== undefined) yield 'There are older ones: --limit lists more\n';
  },
  *object(model, uid, changes) {
    if (changes.length === 0) yield `No run has changed ${model} ${visibleText(uid)}\n`;
    for (const change of changes) yield `${change.run}  ${lineOf(change)}`;
  },
};

const RUN_COLUMNS: readonly Column[] = [
  { heading: 'run' },
  { heading: 'kind' },
  { heading: 'outcome' },
  { heading: 'create', right: true },
  { heading: 'update', right: true },
  { heading: 'delete', right: true },
  { heading: 'by' },
  { heading: 'label' },
];

const MODEL_COLUMNS: readonly Column[] = [
  { heading: 'model' },
  ...['source', 'target', 'create', 'update', 'delete'].map((heading) => ({ heading, right: true })),
];

function rowOf({ id, kind, outcome, counts, by = '', label = '' }: SyncRun): string[] {
  const numbers = [counts?.create, counts?.update, counts?.delete];
  return [id, kind, outcome, ...numbers.map((count) => (count === undefined ? '-' : grouped(count))), by, label];
}

function facts(run: ShownRun): string {
  const { id, kind, outcome, source, target, label, by, of, startedAt, counts, results, unsettled } = run;
  const took = secondsOf(run);
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['run', id],
    ['kind', id === undefined ? 'drift' : kind],
    ['of', of],
    ['outcome', outcome],
    ['source', source],
    ['target', target],
    ['label', label],
    ['by', by],
    ['started', took === undefined ? startedAt : `${startedAt}, ${took}`],
    ['found', counts && listed(counts)],
    ['results', results && listed({ ...results, leftOut: undefined, 'left out': results.leftOut })],
    ['unsettled', unsettled === undefined ? undefined : grouped(unsettled)],
  ];
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([name, value = '']) => `${name.padEnd(10)}${visibleText(value)}\n`)
    .join('');
}

function listed(counts: object): string {
  return Object.entries(counts as Readonly<Record<string, number | undefined>>)
    .filter(([, count]) => count !== undefined)
    .map(([name, count = 0]) => `${grouped(count)} ${name}`)
    .join(', ');
}

function models({ models: found }: ShownRun): string {
  const rows = Object.entries(found).map(([model, tally]) => [
    model,
    ...[tally.source, tally.target, tally.create, tally.update, tally.delete].map(grouped),
  ]);
  return rows.length === 0 ? '' : `\n${table(MODEL_COLUMNS, rows)}`;
}

function notes(run: ShownRun): string {
  // What a guard has refused is the error.
  const guards = run.guards.filter(({ outcome }) => outcome === 'deletes-skipped');
  const lines = notesOf({ ...run, guards }).map(([name, text]) => `${visibleText(`${name}: ${text}`)}\n`);
  return lines.length === 0 ? '' : `\n${lines.join('')}`;
}

function lineOf(change: ShownChange, run?: ShownRun): string {
  const { model, uid, parents, action, moves, message } = redactChange(change);
  const above = parents.map((parent) => `${parent.model} ${parent.uid}`).join(' > ');
  const attributes = attributesOf(change).map(({ name, old, new: changed }) => {
    if (old !== undefined && changed !== undefined) return `${name}: ${old} -> ${changed}`;
    return `${name}: ${changed ?? old}`;
  });
  const reason = message === undefined ? '' : `: ${message}`;
  const result = resultOf(change, run);
  const said = result === undefined ? '' : `  [${result}${reason}]`;
  const where = above === '' ? '' : `  below ${above}`;
  const list = attributes.length === 0 ? '' : `  ${attributes.join(', ')}`;
  return `${visibleText(`${action.padEnd(6)}  ${model} ${uid}${where}${moves ? '  (moves)' : ''}${list}${said}`)}\n`;
}
