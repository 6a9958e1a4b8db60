import type { DiffSyncAction } from '../flags.js';
import type { Steps } from '../async/steps.js';
import type { Attrs, AttrsDiffs } from './compared-object.js';
import { walk, type WalkEntry } from './diff-walk.js';

/** An object, by its model and its unique id. */
export interface ChangedObject {
  /** The name of the model. */
  readonly model: string;
  /** The unique id in the target. */
  readonly uid: string;
}

/** What all changes have. */
interface ChangeBase extends ChangedObject {
  /** The objects above, outermost first; empty at the top. The last one is the parent, which lists the object. */
  readonly parents: readonly ChangedObject[];
  /**
   * Whether this is one half of a move: the object is deleted below one parent and created below another, in one diff. Of links it
   * is false.
   */
  readonly moves: boolean;
}

/** An object that the target does not have, or not at this place. */
export interface CreateChange extends ChangeBase {
  readonly action: 'create';
  readonly old: null;
  /** The attributes that it gets; of secret ones the value is `[secret]`, here and in all changes. */
  readonly new: Attrs;
}

/** An object of which attributes differ. */
export interface UpdateChange extends ChangeBase {
  readonly action: 'update';
  /** The attributes that differ, as the target has them. */
  readonly old: Attrs;
  /** The same attributes, as the source has them. */
  readonly new: Attrs;
}

/** An object that only the target has, or only the target has at this place. */
export interface DeleteChange extends ChangeBase {
  readonly action: 'delete';
  /** The attributes that it had. */
  readonly old: Attrs;
  readonly new: null;
}

/** An object that stays, and which its parent lists from now on, or no longer. */
export interface LinkChange extends ChangeBase {
  readonly action: 'link' | 'unlink';
  readonly old: null;
  readonly new: null;
}

/** One change of a diff, which its `action` tells apart. */
export type DiffChange = CreateChange | UpdateChange | DeleteChange | LinkChange;

/** What changes need to know of an element. */
interface ChangedElement<E> {
  readonly type: string;
  readonly name: string;
  readonly action: DiffSyncAction | null;
  readonly linkOnly: boolean;
  readonly comparedUid: string | undefined;
  shownDiffs(): AttrsDiffs;
  getChildren(): readonly E[];
}

/** Yields the changes of elements and of all below them, each before those below it; undefined in a step without one. */
export function* changesOf<E extends ChangedElement<E>>(
  roots: readonly E[],
): Generator<DiffChange | undefined, void, undefined> {
  const moved = yield* findingMoved(roots);
  const above: ChangedObject[] = [];
  for (const { element, depth } of walk<E>(roots)) {
    yield undefined;
    above.length = depth;
    const object = objectOf(element);
    if (element.action !== null) {
      const moves = !element.linkOnly && moved.has(changeKey(object));
      yield changeOf(element, element.action, { ...object, parents: [...above], moves });
    }
    above.push(object);
  }
}

/**
 * Returns the change of an element that has one.
 * @param entry - Where it is; its action is not null.
 * @param moved - The objects that are deleted at one place and created at another, as `model uid`.
 */
export function changeOfEntry<E extends ChangedElement<E>>(
  { element, parent }: WalkEntry<E>,
  moved: ReadonlySet<string>,
): DiffChange {
  const parents: ChangedObject[] = [];
  for (let above = parent; above !== undefined; above = above.parent) parents.push(objectOf(above.element));
  parents.reverse();
  const object = objectOf(element);
  const moves = !element.linkOnly && moved.has(changeKey(object));
  return changeOf(element, element.action as DiffSyncAction, { ...object, parents, moves });
}

function objectOf<E extends ChangedElement<E>>(element: E): ChangedObject {
  return { model: element.type, uid: element.comparedUid ?? element.name };
}

function changeOf<E>(element: ChangedElement<E>, action: DiffSyncAction, base: ChangeBase): DiffChange {
  if (element.linkOnly) return { ...base, action: action === 'create' ? 'link' : 'unlink', old: null, new: null };
  const { '-': old = {}, '+': changed = {} } = element.shownDiffs();
  if (action === 'update') return { ...base, action, old, new: changed };
  return action === 'create' ? { ...base, action, old: null, new: changed } : { ...base, action, old, new: null };
}

/** Finds the objects that are deleted at one place and created at another. @returns their keys. */
export function* findingMoved<E extends ChangedElement<E>>(roots: readonly E[]): Steps<ReadonlySet<string>> {
  const deleted = new Set<string>();
  const moved = new Set<string>();
  yield* forEachObject(walk<E>(roots), 'delete', (key) => void deleted.add(key));
  if (deleted.size === 0) return moved;
  yield* forEachObject(walk<E>(roots), 'create', (key) => {
    if (deleted.has(key)) moved.add(key);
  });
  return moved;
}

function* forEachObject<E extends ChangedElement<E>>(
  entries: Iterable<WalkEntry<E>>,
  wanted: DiffSyncAction,
  work: (key: string) => void,
): Steps<void> {
  for (const { element } of entries) {
    yield;
    const { type: model, comparedUid: uid, action, linkOnly } = element;
    // A name is unique below one parent only.
    if (uid !== undefined && !linkOnly && action === wanted) work(changeKey({ model, uid }));
  }
}

/** Returns the key of an object. */
export function changeKey({ model, uid }: ChangedObject): string {
  return `${model} ${uid}`;
}
