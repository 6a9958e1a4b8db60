import { inspect } from 'node:util';
import type { DiffElement } from '../../diff/diff.js';
import { DiffException, DiffSyncError, ObjectAlreadyExists, ValueError } from '../../errors.js';
import type { Side } from '../side.js';
import type { TreePosition } from './visited.js';

/** Both sides of a comparison, for the messages of its errors. */
export interface ComparedSides {
  readonly src: Pick<Side, 'name'>;
  readonly dst: Pick<Side, 'name'>;
}

/**
 * Returns the error for an object that cannot be compared: one that names the sides, the object and its parents. Errors of a
 * store, of the tree and of a signal say themselves what they are about.
 */
export function comparisonError(
  error: unknown,
  { src, dst }: ComparedSides,
  type: string,
  uid: string,
  parent: TreePosition | undefined,
): unknown {
  const isValueError = error instanceof ValueError;
  if (error instanceof DiffSyncError && !isValueError) return error;
  const reason = error instanceof Error ? error.message : inspect(error);
  const object = `${type} "${uid}"${below(parent)} of ${src.name} and ${dst.name}`;
  // The reference's words for two objects that do not fit come first.
  if (isValueError) return new ValueError(`${reason}: ${object}`, { cause: error });
  return new DiffException(`${object} cannot be compared: ${reason}`, { cause: error });
}

/**
 * Returns the error for an element that cannot be added, because a sibling has its name: one that names both objects, their
 * sides and their parents.
 */
export function nameTakenError(error: unknown, element: DiffElement, parent: TreePosition | undefined): unknown {
  const existingElement = error instanceof ObjectAlreadyExists ? error.existingElement : undefined;
  if (existingElement === undefined) return error;
  const { type, name } = element;
  const message =
    `Already storing a ${type} named ${name}${below(parent)}: ${objectText(existingElement)} and ${objectText(element)} have the ` +
    `same shortname; it must be unique among the children of one parent`;
  return Object.assign(new ObjectAlreadyExists(message, undefined, { cause: error }), { existingElement });
}

function objectText({ name, comparedUid, sourceAttrs, destAttrs, sourceName, destName }: DiffElement): string {
  const sides = [...(sourceAttrs === null ? [] : [sourceName]), ...(destAttrs === null ? [] : [destName])];
  return `"${comparedUid ?? name}" (${sides.join(' and ')})`;
}

function below(parent: TreePosition | undefined): string {
  const path: string[] = [];
  for (let at = parent; at !== undefined; at = at.parent) path.unshift(`${at.element.type} ${at.uid}`);
  return path.length === 0 ? '' : ` below ${path.join(' / ')}`;
}
