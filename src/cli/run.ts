import { ValueError } from '../errors.js';
import { failed } from './failed.js';
import type { Io } from './io.js';
import { readRunsArguments, RUNS_COMMANDS, RUNS_HELP } from './runs.arguments.js';
import { runs } from './runs.command.js';
import { readStoresArguments, STORES_HELP } from './stores.arguments.js';
import { stores } from './stores.command.js';

/**
 * Runs the program.
 * @returns the exit code: 0 done, 1 failed or a store is damaged, 2 wrong options; those of runs are in their help, and have 2 for
 * differences alone.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await perform(argv, io);
  } catch (error) {
    const code = failed(io, error);
    return error instanceof ValueError && !RUNS_COMMANDS.some((name) => name === argv[0]) ? 2 : code;
  }
}

async function perform([name, ...argv]: readonly string[], io: Io): Promise<number> {
  if (name === '--help' || name === '-h') return help(`${STORES_HELP}\n${RUNS_HELP}`, io);
  if (name === 'stores') {
    const command = readStoresArguments(argv, io.env);
    if (command === 'help') return help(STORES_HELP, io);
    return (await stores(command, io)) ? 0 : 1;
  }
  const known = RUNS_COMMANDS.find((each) => each === name);
  if (known === undefined) throw new ValueError(`the commands are stores, ${RUNS_COMMANDS.join(', ')}; see --help`);
  const command = readRunsArguments(known, argv);
  return command === 'help' ? help(RUNS_HELP, io) : runs(command, io);
}

function help(text: string, { stdout }: Io): number {
  stdout.write(text);
  return 0;
}
