import { createHash } from 'node:crypto';
import type { DiffSyncAction } from '../flags.js';
import { canonicalJson } from '../values/extended-json.js';
import { withoutSecrets } from '../values/secret.js';

/**
 * What a plan notes of an object that its changes rest on and do not say: digests, by which a later comparison tells whether the
 * object is still as the plan saw it. Secret values are in none of them.
 */
export interface SeenState {
  /** Of an object above changes: of the attributes that the source had. */
  readonly source?: string;
  /** Of an object above changes: of the attributes that the target had. */
  readonly target?: string;
  /** Of an object that is deleted: of what the target listed below it. */
  readonly children?: string;
  /** Of an object that is deleted at one place and created at another: true at both. */
  readonly moves?: boolean;
}

/** What a digest is made of. */
export interface SeenElement {
  readonly type: string;
  readonly name: string;
  readonly action: DiffSyncAction | null;
  readonly linkOnly: boolean;
  readonly secret: ReadonlySet<string> | undefined;
  readonly sourceAttrs: Readonly<Record<string, unknown>> | null;
  readonly destAttrs: Readonly<Record<string, unknown>> | null;
  getAddedChildren(): readonly SeenElement[];
}

/** Digests the attributes of an object above changes. */
export function seenAttributes({ secret, sourceAttrs, destAttrs }: SeenElement): SeenState {
  const source = sourceAttrs && { source: digestOf(withoutSecrets(sourceAttrs, secret)) };
  const target = destAttrs && { target: digestOf(withoutSecrets(destAttrs, secret)) };
  return { ...source, ...target };
}

/** Digests what is listed below an object that is deleted. */
export function seenChildren(element: SeenElement): SeenState {
  const children = element.getAddedChildren().map(({ type, name, linkOnly }) => canonicalJson([type, name, linkOnly]));
  return { children: digestOf(children.toSorted()) };
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('base64url').slice(0, 22);
}
