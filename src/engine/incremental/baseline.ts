import { hash } from 'node:crypto';
import type { DiffOptions } from '../compare/differ.js';
import type { SideName } from '../compare/shared-children.js';
import type { Side } from '../side.js';
import { DiffSyncFlags } from '../../flags.js';
import type { ModelClass } from '../../model/model-class.js';
import { fieldSchemasOf } from '../../model/schema-structure.js';
import type { IndexPart } from './child-index.js';
import type { SourceDigests } from './source-digests.js';

/** Model -> the cursor of its log of changes. */
export type Cursors = Readonly<Record<string, string>>;

/**
 * What a comparison has found, for a later one of the same sides on the same terms: at the moment of the cursors every object that
 * is not `open` was the same on both sides, and below the same parents.
 */
export interface Baseline {
  /** When the comparison began, as ISO 8601. */
  readonly at: string;
  /** The digest of the definitions and code of the models, see `termsDigest`. */
  readonly terms: string;
  /** How many comparisons since the last full one, this one included: 0 for a full one. */
  readonly age: number;
  readonly cursors: Readonly<Record<SideName, Cursors>>;
  /**
   * Model -> unique ids that differed, were skipped or were written meanwhile, or are part of a link that only one side had or whose
   * child was missing.
   */
  readonly open: Readonly<Record<string, readonly string[]>>;
  /** Which parents listed which children. */
  readonly index: readonly IndexPart[];
  /** What the source's objects were, of a source that does not outlive its process or keeps no log of changes. */
  readonly digests: SourceDigests | undefined;
}

/** Names the pair of sides, and what of them is compared, under which a baseline is kept. */
export function pairKey(src: Side, dst: Side, options: DiffOptions): string {
  const { flags = DiffSyncFlags.NONE, modelTypes, syncAttrs, excludeAttrs, unlisted } = options;
  return digestOf([src.name, dst.name, flags, modelTypes, syncAttrs, excludeAttrs, unlisted]);
}

/**
 * Digests what decides, beside the objects, what a comparison finds: the definitions of both sides' models, and the code of their
 * classes and comparison functions.
 */
export function termsDigest(src: Side, dst: Side): string {
  return digestOf([src, dst].map(({ topLevel, modelClasses }) => [topLevel, [...modelClasses.values()].map(termsOf)]));
}

function termsOf(model: ModelClass): unknown {
  const { name, identifiers, attributes, shortname, children, modelFlags, compare, schema } = model.definition;
  const code: string[] = [];
  // The code of a base class may be that of another package, and is no secret of this one's.
  for (let at: unknown = model; typeof at === 'function' && at !== Function.prototype; at = Object.getPrototypeOf(at)) {
    code.push(Function.prototype.toString.call(at));
  }
  const fields = [...(fieldSchemasOf(schema) ?? [])].map(([field, { keepsValue }]) => [field, keepsValue]);
  const functions = Object.entries(compare ?? {}).map(([field, each]) => [field, String(each)]);
  return [name, identifiers, attributes, shortname, children, modelFlags, functions, fields, code];
}

function digestOf(value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'base64url');
}
