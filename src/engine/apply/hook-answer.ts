import { ObjectNotCreated, ObjectNotUpdated } from '../../errors.js';
import { DiffSyncStatus } from '../../flags.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import { withAllFields } from '../../model/missing-fields.js';
import { assignFields, copyFields, definitionOf, fieldNames, fieldOf } from '../../model/model-fields.js';
import { checkUniqueId } from '../../model/unique-id.js';
import { isDeepEqual } from '../../values/deep-equal.js';
import type { HookOutcome } from './call-hooks.js';
import type { Frame } from './frame.js';
import type { SyncNode } from './sync-plan.js';

/** The status that a hook has left on its answer, and the message that goes with it. */
export type HookStatus = readonly [status: DiffSyncStatus, message: string];

const DONE = { create: 'Created successfully', update: 'Updated successfully', delete: 'Deleted successfully' };

/** A hook that answers the model has succeeded, also where it sets no status; the default hooks set one. */
export function statusOf({ action, element }: SyncNode, answer: DiffSyncModel): HookStatus {
  const [status, message] = answer.getStatus();
  const isSuccess = status === DiffSyncStatus.UNKNOWN || (status === DiffSyncStatus.SUCCESS && message === '');
  return isSuccess && action !== null
    ? [DiffSyncStatus.SUCCESS, DONE[action]]
    : [status, element.withoutSecrets(message)];
}

/** Whether a create hook has answered an object of another unique id. One that has none, or a wrong one, is not saved at all. */
export function hasOtherUid({ node }: Frame, outcome: HookOutcome): outcome is { readonly model: DiffSyncModel } {
  if (node.action !== 'create' || 'error' in outcome || outcome.model === null) return false;
  try {
    const uid = outcome.model.getUniqueId();
    if (uid === node.uid) return false;
    checkUniqueId(node.element.type, uid);
    return true;
  } catch {
    return false;
  }
}

/** @throws ObjectNotCreated if a create hook has returned an object of another model. */
export function checkType({ element: { type }, uid }: SyncNode, answer: DiffSyncModel): void {
  if (answer.getType() === type) return;
  throw new ObjectNotCreated(
    `Failed to create ${type} "${uid}" - its hook returned ${answer.getType()} "${answer.getUniqueId()}", an object of another model`,
  );
}

type ChildLists = Record<string, readonly string[] | null | undefined>;

/** Empties the child lists of a new object: its children are linked when they are created. */
export function emptyChildLists(model: DiffSyncModel): void {
  const fields = model as unknown as ChildLists;
  for (const field of Object.values(model.getChildrenMapping())) {
    if ((fields[field]?.length ?? 0) > 0) fields[field] = [];
  }
}

/** @throws ObjectNotUpdated if an update hook has returned another object. */
export function checkAnswer({ element: { type } }: SyncNode, known: DiffSyncModel, answer: DiffSyncModel): void {
  const [uid, other] = [known.getUniqueId(), answer.getUniqueId()];
  if (other === uid && answer.getType() === type) return;
  throw new ObjectNotUpdated(
    `Failed to update ${type} "${uid}" - its hook returned ${answer.getType()} "${other}"; it returns the same object, or ` +
      `one with the same unique id`,
  );
}

/**
 * Gives an object that an update hook has made anew what it does not say: child lists, and all fields that it lacks or that are
 * as the schema fills a missing one. It was mostly made of the changed attributes alone.
 * @param known - the target's object.
 * @param attrs - the attributes that the hook was to change; their values are the answer's in any case.
 */
export function completeAnswer(
  known: DiffSyncModel,
  answer: DiffSyncModel,
  attrs: Readonly<Record<string, unknown>>,
): void {
  const definition = definitionOf(answer);
  const lists = new Set(Object.values(answer.getChildrenMapping()));
  const defaults = withAllFields(definition, copyFields(answer, definition.identifiers));
  for (const field of new Set([...fieldNames(known), ...fieldNames(answer)])) {
    if (definition.identifiers.includes(field) || Object.hasOwn(attrs, field)) continue;
    const value = fieldOf(answer, field);
    const isDefault = Object.hasOwn(defaults, field) && isDeepEqual(value, defaults[field]);
    if (value !== undefined && !isDefault && !lists.has(field)) continue;
    if (Object.hasOwn(known, field)) assignFields(answer, { [field]: fieldOf(known, field) });
    else Reflect.deleteProperty(answer, field);
  }
  if (answer.modelFlags === definition.modelFlags) answer.modelFlags = known.modelFlags;
}
