import { ValueError } from '../errors.js';
import { visibleText } from '../values/visible-text.js';
import { HELP, readArguments } from './arguments.js';
import { stores, type Io } from './stores.command.js';

/**
 * Runs the program.
 * @returns the exit code: 0 done, 1 failed or a store is damaged, 2 wrong options.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    const command = readArguments(argv, io.env);
    if (command !== 'help') return (await stores(command, io)) ? 0 : 1;
    io.stdout.write(HELP);
    return 0;
  } catch (error) {
    // The message only: other properties of a client's error may contain a password.
    const message = error instanceof Error ? error.message : String(error);
    io.stderr.write(`Error: ${visibleText(message.trim().replace(/\s*\n\s*/g, ' '))}\n`);
    return error instanceof ValueError ? 2 : 1;
  }
}
