import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm start [-- OPTION]

Brings a copy of the IEEE MAC-address registry up to date with a newer one, and reports what was done.

  --json   print nothing but one line of JSON on standard output (npm start --silent -- --json: npm prints nothing too)
  --serve  keep the application up instead, with a board that plans runs, applies them and shows what they did, until SIGTERM
           or Ctrl-C; GET /openapi.json describes its HTTP API
  --help   print this

Environment, also from a file .env:
  DIFFSYNC_STORE_ENGINE     local (default), sqlite or redis
  DIFFSYNC_STORE_PATH       sqlite only: the file
  DIFFSYNC_STORE_URL        redis only: redis://[[user]:password@]host[:port][/db]
  DIFFSYNC_STORE_ID         begins the ids of the stores (default registry-sync)
  DIFFSYNC_STORE_VERBOSITY  0 warnings (default), 1 information, 2 debug
  API_TOKEN                 for --serve: the password of the board, for any user name; programs may send it as a bearer token
  PORT                      for --serve (default 3000)`;

export type Command = 'run' | 'json' | 'serve' | 'help';

/** @throws UsageError for anything that USAGE does not name. */
export function readCommand(args: string[]): Command {
  const given = Object.keys(parse(args)) as Command[];
  if (given.includes('help')) return 'help';
  if (given.length > 1) throw new UsageError('--json and --serve do not go together');
  return given[0] ?? 'run';
}

export class UsageError extends Error {}

function parse(args: string[]): { json?: boolean; serve?: boolean; help?: boolean } {
  try {
    return parseArgs({
      args,
      options: { json: { type: 'boolean' }, serve: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
