import { ValueError } from '../errors.js';
import { ADDING } from './contract/adding.js';
import { CHANGES } from './contract/changes.js';
import { CHILD_LINKS } from './contract/child-links.js';
import { CONCURRENCY } from './contract/concurrency.js';
import { CONVENIENCE } from './contract/convenience.js';
import { COPIES } from './contract/copies.js';
import { ContractContext, type ContractTest, type ContractTheme, type OpenStore } from './contract/contract-context.js';
import { LEASES } from './contract/leases.js';
import { LIFECYCLE } from './contract/lifecycle.js';
import { NAMES } from './contract/names.js';
import { READING } from './contract/reading.js';
import { STREAMING } from './contract/streaming.js';
import { VALUES } from './contract/values.js';
import { WRITING } from './contract/writing.js';

/** Groups tests. The `describe` of jest, vitest and node:test has this type. */
export type DescribeFunction = (title: string, declare: () => void) => unknown;

/** Declares a test. The `it` of jest, vitest and node:test has this type. */
export interface ItFunction {
  /** Declares a test that runs. */
  (title: string, run: () => Promise<void>): unknown;
  /** Declares a test that is skipped. */
  skip(title: string, run: () => Promise<void>): unknown;
}

/** Tests that a store does not pass yet. They are declared as skipped, with the reason in the title. */
export interface KnownGap {
  /** Why the store does not pass them. Not empty. */
  readonly reason: string;
  /** The titles of the tests. */
  readonly tests: readonly string[];
}

/** Options of `storeContract`. */
export interface StoreContractOptions {
  /** The name of the store in the titles. */
  readonly name: string;
  /** Opens a store with the given id. Without an id it opens an empty store with an id of its own. */
  readonly open: OpenStore;
  /**
   * Whether a second store opened with the same id sees the same objects.
   * @defaultValue false
   */
  readonly shared?: boolean | undefined;
  /**
   * Whether a store that is closed and opened again has its objects.
   * @defaultValue the value of `shared`
   */
  readonly persistent?: boolean | undefined;
  /**
   * Whether the store keeps a log of changes, so that `changesSince` knows what was written.
   * @defaultValue false
   */
  readonly changes?: boolean | undefined;
  /**
   * The function that groups tests.
   * @defaultValue the global `describe`
   */
  readonly describe?: DescribeFunction | undefined;
  /**
   * The function that declares a test.
   * @defaultValue the global `it`
   */
  readonly it?: ItFunction | undefined;
  /**
   * Tests that the store does not pass yet.
   * @defaultValue none
   */
  readonly knownGaps?: readonly KnownGap[] | undefined;
}

const THEMES: readonly ContractTheme[] = [
  LIFECYCLE,
  COPIES,
  ADDING,
  WRITING,
  READING,
  CONVENIENCE,
  CHILD_LINKS,
  VALUES,
  NAMES,
  STREAMING,
  CONCURRENCY,
  LEASES,
];

/**
 * Declares the tests that every store must pass. Each test opens stores of its own, and clears and closes them.
 * @param options - how to open a store, and what it can do.
 * @throws {ValueError} for a known gap without a reason, or one that names a test that the suite does not have.
 * @throws {ValueError} when there is no global `describe` and `it`, and none are given.
 * @example
 * ```ts
 * storeContract({
 *   name: 'FileStore',
 *   open: async ({ storeId = randomUUID() } = {}) => {
 *     const store = new FileStore({ path, storeId });
 *     await store.open();
 *     return store;
 *   },
 *   persistent: true,
 * });
 * ```
 */
export function storeContract(options: StoreContractOptions): void {
  const { name, open, shared = false, persistent = shared, changes = false } = options;
  const { describe, it } = runner(options);
  const themes = [...THEMES, ...(changes ? [CHANGES] : [])].map(({ theme, tests, persistentTests, sharedTests }) => ({
    theme,
    tests: { ...tests, ...(persistent && persistentTests), ...(shared && sharedTests) },
  }));
  const reasons = reasonsOf(options.knownGaps ?? [], new Set(themes.flatMap(({ tests }) => Object.keys(tests))));
  describe(`store contract: ${name}`, () => {
    for (const { theme, tests } of themes) {
      describe(theme, () => {
        for (const [title, test] of Object.entries(tests)) {
          const reason = reasons.get(title);
          // Only the caller can leave a test out, with a written reason, which the report of the run shows.
          if (reason === undefined) it(title, () => perform(test, open));
          else it.skip(`${title} (known gap: ${reason})`, () => perform(test, open));
        }
      });
    }
  });
}

/** Runs a test. Its own failure is thrown before one of the cleanup, which often follows from it. */
async function perform(test: ContractTest, open: OpenStore): Promise<void> {
  const context = new ContractContext(open);
  try {
    await test(context);
  } catch (error) {
    await context.cleanUp().catch(() => undefined);
    throw error;
  }
  await context.cleanUp();
}

function runner(options: StoreContractOptions): { describe: DescribeFunction; it: ItFunction } {
  const globals = globalThis as { describe?: DescribeFunction; it?: ItFunction };
  const { describe = globals.describe, it = globals.it } = options;
  if (describe === undefined || it === undefined) {
    throw new ValueError('storeContract: there is no global "describe" and "it"; pass those of your test runner');
  }
  return { describe, it };
}

function reasonsOf(gaps: readonly KnownGap[], titles: ReadonlySet<string>): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const { reason, tests } of gaps) {
    if (reason.trim() === '') throw new ValueError('storeContract: every known gap needs a reason');
    for (const title of tests) {
      if (!titles.has(title)) throw new ValueError(`storeContract: there is no test "${title}" to be a known gap`);
      reasons.set(title, reason);
    }
  }
  return reasons;
}
