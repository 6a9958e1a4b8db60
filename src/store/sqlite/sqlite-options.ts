import { z } from 'zod';
import { problemsOf, type Problem } from '../../values/zod-issues.js';
import { refuseProblems } from '../check-options.js';
import type { BaseStoreOptions } from '../store-options.js';

export const MEMORY = ':memory:';
export const DEFAULT_TIMEOUT_MS = 5000;

/** Options of a `SqliteStore`. */
export interface SqliteStoreOptions extends BaseStoreOptions {
  /**
   * The path of the file, which is created where there is none. `:memory:` is a database in memory, gone with the last store
   * on its connection.
   */
  readonly path: string;
  /**
   * The id of the store within the file.
   * @defaultValue 'default'
   */
  readonly storeId?: string | undefined;
  /**
   * Opens an existing file for reads only. Every write fails with STORE_READ_ONLY.
   * @defaultValue false
   */
  readonly readonly?: boolean | undefined;
  /**
   * Keeps a log of what each transaction writes, for `changesSince`. The file is upgraded to format 3, which versions of this
   * package without the log refuse with STORE_NEWER_FORMAT: set it once no such version writes to the file. A file in format 3
   * keeps its log whatever this says; a `readonly` store upgrades none.
   * @defaultValue false
   */
  readonly changeLog?: boolean | undefined;
  /**
   * Milliseconds that each transaction of an operation waits while other processes write.
   * @defaultValue 5000
   */
  readonly timeout?: number | undefined;
}

/** A scheme of more than one letter: one letter is a drive. Memory is never a file. */
const URI = /^\s*(?:[a-z][a-z\d+.-]+|):(?!memory:$)/i;

const schema = z.strictObject({
  path: z.string({ error: ({ input }) => (input === undefined ? 'missing' : undefined) }).min(1),
  readonly: z.boolean().optional(),
  changeLog: z.boolean().optional(),
  timeout: z.int().min(0).optional(),
});

/** Returns what is wrong with the options; no value is shown: what stands in the wrong option may hold a password. */
export function sqliteProblems(options: object): Problem[] {
  const checked = schema.safeParse(options);
  if (!checked.success) return problemsOf(checked.error);
  const { path, readonly = false } = checked.data;
  const fault = pathFault(path);
  return [
    ...(fault === undefined ? [] : [{ path: 'path', message: fault }]),
    ...(path === MEMORY && readonly ? [{ path: 'readonly', message: 'goes with a file only' }] : []),
  ];
}

function pathFault(path: string): string | undefined {
  if (URI.test(path)) {
    return (
      'this is a URI, and a path is needed, such as "./inventory.db"; for a database in memory it is ":memory:", and the ' +
      'name of a file with a colon begins with "./"'
    );
  }
  if (path !== MEMORY && /^:?memory:?(?:$|\?)/i.test(path)) {
    return 'for a database in memory it is ":memory:"; for a file of that name "./…"';
  }
  if (path.trim() !== path) return 'begins or ends with white space';
  return path.includes('\0') ? 'has a NUL character' : undefined;
}

/** @throws {ValueError} with each wrong option. */
export function checkSqliteOptions(options: Omit<SqliteStoreOptions, keyof BaseStoreOptions>): void {
  refuseProblems('SqliteStore', sqliteProblems(options));
}
