import { ValueError } from '../errors.js';
import { HELP, readArguments } from './arguments.js';
import { stores, type Io } from './stores.command.js';

/** The whole program but its process. @returns its exit code: 0 done, 1 failed or damaged, 2 used wrongly. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    const command = readArguments(argv, io.env);
    if (command !== 'help') return (await stores(command, io)) ? 0 : 1;
    io.stdout.write(HELP);
    return 0;
  } catch (error) {
    // The message only: what else hangs on an error of a client may be a password.
    const message = error instanceof Error ? error.message : String(error);
    io.stderr.write(`Error: ${message.trim().replace(/\s*\n\s*/g, ' ')}\n`);
    return error instanceof ValueError ? 2 : 1;
  }
}
