import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ValueError } from '../errors.js';

type Options = NonNullable<ParseArgsConfig['options']>;
type ValueOf<O> = O extends { readonly type: 'boolean' }
  ? boolean
  : O extends { readonly multiple: true }
    ? string[]
    : string;

/** The values of options, by their names. */
export type OptionValues<O> = { readonly [K in keyof O]?: ValueOf<O[K]> };

/**
 * Reads options and positional arguments.
 * @throws {ValueError} (VALUE_ERROR) whose message repeats no value, because it may be a URL with a password.
 */
export function parseOptions<const O extends Options>(
  argv: readonly string[],
  options: O,
): { readonly values: OptionValues<O>; readonly positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n');
    throw new ValueError(`${line.replace(/\. To specify a positional.*/, '')}; see --help`);
  }
}
