import { createHash } from 'node:crypto';
import type { Steps } from '../async/steps.js';
import { ValueError } from '../errors.js';
import { canonicalJson } from '../values/extended-json.js';
import { withoutSecrets } from '../values/secret.js';
import type { Attrs } from './compared-object.js';
import { walkAdded, type InsertionOrdered, type OrderedElement } from './diff-walk.js';

/** SHA-256 digests of what a diff read on either side, unchanged objects included. */
export interface Fingerprint {
  readonly source: string;
  readonly target: string;
}

/** What a fingerprint needs to know of an element. */
interface DigestedElement<E> extends OrderedElement<E>, InsertionOrdered<E> {
  readonly type: string;
  readonly name: string;
  readonly keys: Attrs;
  readonly linkOnly: boolean;
  readonly secret: ReadonlySet<string> | undefined;
  readonly sourceAttrs: Attrs | null;
  readonly destAttrs: Attrs | null;
}

/** A parent that lists an object which is compared under another parent, and the sides on which it does. */
export interface SharedLink {
  /** The parent, as model and unique id. */
  readonly parent: string;
  /** The object, as model and unique id. */
  readonly child: string;
  readonly source: boolean;
  readonly target: boolean;
}

/**
 * Digests every object in the order of `add`, and then the links of shared children in an order of their own, so that any
 * change of what the diff read on a side changes that side's digest. A link-only element would not do: one of the source
 * goes when the target gains the link.
 */
export function* digesting<E extends DigestedElement<E>>(
  diff: InsertionOrdered<E>,
  links: readonly SharedLink[],
): Steps<Fingerprint> {
  const hashes = { source: createHash('sha256'), target: createHash('sha256') };
  for (const { element, depth } of walkAdded<E>(diff)) {
    yield;
    const { type, keys, sourceAttrs, destAttrs, linkOnly, secret } = element;
    if (linkOnly) continue;
    const position = canonicalJson([depth, type, keys]);
    // A digest of few short values would tell them to who tries all.
    const lineOf = (attrs: Attrs): string =>
      `${position}${written(element, withoutSecrets(attrs, secret), canonicalJson)}\n`;
    if (sourceAttrs !== null) hashes.source.update(lineOf(sourceAttrs));
    if (destAttrs !== null) hashes.target.update(lineOf(destAttrs));
  }
  for (const side of ['source', 'target'] as const) {
    const own = links.filter((link) => link[side]).map(({ parent, child }) => canonicalJson([parent, child, 'link']));
    for (const line of own.toSorted()) hashes[side].update(`${line}\n`);
  }
  return { source: hashes.source.digest('hex'), target: hashes.target.digest('hex') };
}

/** Writes the attributes of an element. @throws ValueError, with model and name, for what is too large to be written out. */
export function written<T>(
  { type, name }: { readonly type: string; readonly name: string },
  attrs: Attrs,
  write: (attrs: Attrs) => T,
): T {
  try {
    return write(attrs);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ValueError(`${type} "${name}" of the diff: ${error.message}`, { cause: error });
  }
}
