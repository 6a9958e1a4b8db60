import type { StoreErrorCode } from '../../../errors.js';

/** The version of the layout of keys and of the JSON text of objects that this package writes. */
export const FORMAT_VERSION = 1;

/** What the state of a model says of its layout. */
export interface ModelFormat {
  /** NaN for a text that is none. */
  readonly version: number;
  readonly shards: number;
  readonly expires: boolean;
}

/** @returns what the state of a model names as its layout. */
export function formatText({ shards, ttl }: { readonly shards: number; readonly ttl: number | undefined }): string {
  return `${FORMAT_VERSION}${shards === 1 ? '' : `, ${shards} shards`}${ttl === undefined ? '' : ', expires'}`;
}

export function parseFormat(text: string): ModelFormat {
  return {
    version: Number.parseInt(text, 10),
    shards: Number(/, (\d+) shards/.exec(text)?.[1] ?? 1),
    expires: text.endsWith(', expires'),
  };
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
  if (parseFormat(found).version > FORMAT_VERSION) {
    const text = `${what} is kept in format ${found}, and this version of nestjs-diffsync knows formats up to ${FORMAT_VERSION}: update it`;
    return { code: 'STORE_NEWER_FORMAT', text };
  }
  const text =
    `${what} is kept as "${found}": open the store with the same "shards", and with a "ttl" where it has one; to keep ` +
    `it otherwise, clear it with those options first`;
  return { code: 'STORE_OTHER_LAYOUT', text };
}
