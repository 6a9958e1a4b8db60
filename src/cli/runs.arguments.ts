import { userInfo } from 'node:os';
import { ValueError } from '../errors.js';
import type { Guards, RunLoad } from '../index.js';
import { parseOptions } from './parse-options.js';

export const RUNS_HELP = `nestjs-diffsync plan --app <module> --source <adapter> --target <adapter>
nestjs-diffsync apply <run> --app <module> --source <adapter> --target <adapter>
nestjs-diffsync drift --app <module> --source <adapter> --target <adapter>
nestjs-diffsync runs [<run>] --app <module> --target <adapter>
nestjs-diffsync undo <run> --app <module> --target <adapter>

Starts a Nest application without its servers, and syncs with its adapters: plan records what a sync would change and
changes nothing, apply makes the changes of a plan, drift compares and records nothing, runs shows what has happened,
undo takes a run back.

With what:
  --app <file>[#<export>]     the application's compiled module, such as ./dist/app.module.js;
                              default export: the first that is a module
  --source <adapter>          the class name of the adapter that the target is made equal to
  --target <adapter>          the class name of the adapter that is changed

What:
  --load <sides>              plan, apply, drift: what is loaded first: both (default), source, target or none
  --guards <JSON>             plan, apply, drift: the limits of the guards, as '{ "maxDeletePercent": 80 }'; false for none
  --on-stale <refuse|skip>    apply: what becomes of a plan whose objects have changed since; default: refuse
  --dry-run                   undo: records what would be changed, and changes nothing
  --label <text>              plan, apply, undo: what the run is called
  --by <name>                 plan, apply, undo: who starts it; default: the user of the system
  --limit <number>            runs: how many runs, the newest first; default: 20
  --of <model>:<unique id>    runs: what has happened to this object
  --json                      prints one line of JSON
  --markdown                  prints Markdown of at most 60,000 characters, for a pull request
  --help

Exit code: 0 when there is nothing to do or all is done, 2 when there are differences (plan, drift, undo --dry-run),
3 when a guard has refused the run, 1 when it failed, or for wrong options.
`;

/** What the command line may do with runs. */
export const RUNS_COMMANDS = ['plan', 'apply', 'drift', 'runs', 'undo'] as const;
export type RunsCommandName = (typeof RUNS_COMMANDS)[number];

/** A command over the runs of an application, as `readRunsArguments` reads it. */
export interface RunsCommand {
  readonly name: RunsCommandName;
  /** The file of the application's module, and the name of its export. */
  readonly app: { readonly file: string; readonly exported: string | undefined };
  /** The class names of the adapters. */
  readonly source: string | undefined;
  readonly target: string;
  /** The id of the run that is applied, undone or shown. */
  readonly run: string | undefined;
  /** The object whose changes are shown. */
  readonly of: { readonly model: string; readonly uid: string } | undefined;
  readonly load: RunLoad | undefined;
  readonly guards: Guards | false | undefined;
  readonly onStale: 'refuse' | 'skip' | undefined;
  readonly dryRun: boolean;
  readonly label: string | undefined;
  readonly by: string | undefined;
  readonly limit: number | undefined;
  readonly format: 'text' | 'json' | 'markdown';
}

const OPTIONS = {
  app: { type: 'string' },
  source: { type: 'string' },
  target: { type: 'string' },
  load: { type: 'string' },
  guards: { type: 'string' },
  'on-stale': { type: 'string' },
  'dry-run': { type: 'boolean' },
  label: { type: 'string' },
  by: { type: 'string' },
  limit: { type: 'string' },
  of: { type: 'string' },
  json: { type: 'boolean' },
  markdown: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** The commands that take an option, and the others do not. */
const COMMANDS_OF: Partial<Record<keyof typeof OPTIONS, readonly RunsCommandName[]>> = {
  load: ['plan', 'apply', 'drift'],
  guards: ['plan', 'apply', 'drift'],
  'on-stale': ['apply'],
  'dry-run': ['undo'],
  label: ['plan', 'apply', 'undo'],
  by: ['plan', 'apply', 'undo'],
  limit: ['runs'],
  of: ['runs'],
};
const LOADS = ['both', 'source', 'target', 'none'] as const;
const ON_STALE = ['refuse', 'skip'] as const;

/**
 * Reads the command line of one of the commands over runs.
 * @returns the command, or 'help'.
 * @throws {ValueError} (VALUE_ERROR) for wrong options.
 */
export function readRunsArguments(name: RunsCommandName, argv: readonly string[]): RunsCommand | 'help' {
  const { values, positionals } = parseOptions(argv, OPTIONS);
  if (values.help === true) return 'help';
  for (const [option, commands] of Object.entries(COMMANDS_OF)) {
    if (values[option as keyof typeof values] === undefined || commands.includes(name)) continue;
    throw new ValueError(`--${option} goes with ${commands.join(', ')} only`);
  }
  const needsSource = name === 'plan' || name === 'apply' || name === 'drift';
  const { app, source, target, json = false, markdown = false } = values;
  if (!app) throw new ValueError('which application? Give --app ./dist/app.module.js');
  if (!target) throw new ValueError('which adapter is changed? Give its class name as --target');
  if (needsSource && !source) throw new ValueError('what is it made equal to? Give the class name as --source');
  if (json && markdown) throw new ValueError("--json and --markdown can't be specified together");
  const of = values.of === undefined ? undefined : objectOf(values.of);
  const run = runOf(name, positionals);
  if (of !== undefined && run !== undefined) throw new ValueError("--of and a run can't be specified together");
  return {
    name,
    app: moduleOf(app),
    source: needsSource ? source : undefined,
    target,
    run,
    of,
    load: oneOf('--load', LOADS, values.load),
    guards: values.guards === undefined ? undefined : guardsOf(values.guards),
    onStale: oneOf('--on-stale', ON_STALE, values['on-stale']),
    dryRun: values['dry-run'] === true,
    label: values.label,
    by: values.by ?? systemUser(),
    limit: values.limit === undefined ? undefined : positiveNumber('--limit', values.limit),
    format: json ? 'json' : markdown ? 'markdown' : 'text',
  };
}

function runOf(name: RunsCommandName, positionals: readonly string[]): string | undefined {
  const [run] = positionals;
  const most = name === 'plan' || name === 'drift' ? 0 : 1;
  if (positionals.length > most) {
    throw new ValueError(`${name} takes ${most === 0 ? 'no arguments' : 'one run'} beside its options; see --help`);
  }
  if ((name === 'apply' || name === 'undo') && !run) {
    throw new ValueError(`which run? Give its id: nestjs-diffsync ${name} <run>`);
  }
  return run;
}

function moduleOf(app: string): RunsCommand['app'] {
  const mark = app.lastIndexOf('#');
  return mark === -1 ? { file: app, exported: undefined } : { file: app.slice(0, mark), exported: app.slice(mark + 1) };
}

function objectOf(text: string): { model: string; uid: string } {
  const colon = text.indexOf(':');
  if (colon < 1) throw new ValueError('--of: not model:unique-id');
  return { model: text.slice(0, colon), uid: text.slice(colon + 1) };
}

/** The runner checks what the limits are called, and their values. */
function guardsOf(text: string): Guards | false {
  let guards: unknown;
  try {
    guards = JSON.parse(text);
  } catch {
    guards = undefined;
  }
  if (guards === false || (typeof guards === 'object' && guards !== null)) return guards;
  throw new ValueError('--guards: neither a JSON object nor false');
}

function oneOf<const T extends string>(option: string, allowed: readonly T[], text: string | undefined): T | undefined {
  const found = allowed.find((each) => each === text);
  if (text !== undefined && found === undefined) throw new ValueError(`${option}: one of ${allowed.join(', ')}`);
  return found;
}

function positiveNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new ValueError(`${option}: not a whole number above 0`);
  return Number(text);
}

/** @returns undefined where the system has no name for the user, as in some containers. */
function systemUser(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
