import type { StoreErrorCode } from '../../../errors.js';

/**
 * The versions of the layout of keys and of the JSON text of objects that this package knows. In the second one the changes of a
 * model are logged by every process; in all else they are the same.
 */
const PLAIN_FORMAT = 1;
const LOGGED_FORMAT = 2;

/** What the state of a model says of its layout. */
export interface ModelFormat {
  /** NaN for a text that is none. */
  readonly version: number;
  readonly shards: number;
  readonly expires: boolean;
}

/** How the options of a store lay out a model. */
export interface FormatOptions {
  /** Number of slots over which each model is split. */
  readonly shards: number;
  /** Milliseconds after which everything expires; undefined for never. */
  readonly ttl: number | undefined;
  /** Whether the changes of models are logged from now on. */
  readonly changeLog: boolean;
}

/** @returns what the state of a new model names as its layout. Of what expires without a write, no log would tell. */
export function formatText({ shards, ttl, changeLog }: FormatOptions): string {
  const version = changeLog && ttl === undefined ? LOGGED_FORMAT : PLAIN_FORMAT;
  return `${version}${shards === 1 ? '' : `, ${shards} shards`}${ttl === undefined ? '' : ', expires'}`;
}

export function parseFormat(text: string): ModelFormat {
  return {
    version: Number.parseInt(text, 10),
    shards: Number(/, (\d+) shards/.exec(text)?.[1] ?? 1),
    expires: text.endsWith(', expires'),
  };
}

/** Whether the changes of a model of this layout are logged. */
export function logsChanges(text: string): boolean {
  return parseFormat(text).version === LOGGED_FORMAT;
}

/** Whether a store that lays out models in one way can use a model that is kept in another one. */
export function isSameLayout(found: string, own: string): boolean {
  const rest = (text: string): string | undefined => /^[12](.*)$/.exec(text)?.[1];
  return rest(found) === rest(own);
}

/** Whether a newer version of this package has written a model. */
export function isNewerFormat(text: string): boolean {
  return parseFormat(text).version > LOGGED_FORMAT;
}

/**
 * Why a model cannot be used that is kept in another layout: by a newer version, or with other options.
 * @param found - The layout that its state names.
 * @param model - The name of the model, where it is known.
 */
export function formatMismatch(
  found: string,
  model: string | undefined,
): { readonly code: StoreErrorCode; readonly text: string } {
  const what = model === undefined ? 'a model' : `model "${model}"`;
  if (isNewerFormat(found)) {
    const text = `${what} is kept in format ${found}, and this version of nestjs-diffsync knows formats up to ${LOGGED_FORMAT}: update it`;
    return { code: 'STORE_NEWER_FORMAT', text };
  }
  const text =
    `${what} is kept as "${found}": open the store with the same "shards", and with a "ttl" where it has one; to keep ` +
    `it otherwise, clear it with those options first`;
  return { code: 'STORE_OTHER_LAYOUT', text };
}
