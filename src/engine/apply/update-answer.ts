import { ObjectNotUpdated } from '../../errors.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import { withAllFields } from '../../model/missing-fields.js';
import { assignFields, copyFields, definitionOf, fieldNames, fieldOf } from '../../model/model-fields.js';
import { isDeepEqual } from '../../values/deep-equal.js';
import type { SyncNode } from './sync-plan.js';

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
