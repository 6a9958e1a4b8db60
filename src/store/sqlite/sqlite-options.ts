import { z } from 'zod';
import { ValueError } from '../../errors.js';
import type { BaseStoreOptions } from '../store-options.js';
import { checkOptions } from '../check-options.js';

export const MEMORY = ':memory:';
export const DEFAULT_TIMEOUT_MS = 5000;

export interface SqliteStoreOptions extends BaseStoreOptions {
  /** The file, which is made where there is none; `:memory:` for a database that is gone with the last store on it. */
  readonly path: string;
  /** Which store of the file. @default 'default' */
  readonly storeId?: string | undefined;
  /** Opens a file that is there, for reads alone: every write fails with STORE_READ_ONLY. @default false */
  readonly readonly?: boolean | undefined;
  /** Milliseconds that each step of an operation waits for other processes' writes. @default 5000 */
  readonly timeout?: number | undefined;
}

const schema = z.strictObject({
  path: z.string({ error: ({ input }) => (input === undefined ? 'missing' : undefined) }).min(1),
  readonly: z.boolean().optional(),
  timeout: z.int().min(0).optional(),
});

/** @throws ValueError, path by path. */
export function checkSqliteOptions(options: Omit<SqliteStoreOptions, keyof BaseStoreOptions>): void {
  const { path, readonly } = checkOptions('SqliteStore', schema, options);
  if (path.trim() !== path) throw new ValueError('SqliteStore: path: begins or ends with white space');
  if (path.includes('\0')) throw new ValueError('SqliteStore: path: has a NUL character');
  if (path === MEMORY && readonly) throw new ValueError('SqliteStore: readonly: goes with a file only');
}
