import { ModelDefinitionError, ObjectStoreWrongType } from '../errors.js';
import { pickFields } from '../values/clone.js';
import { FLAGS, shortened, type ModelDefinition } from './model-definition.js';
import type { Fields, ModelConstructor, ModelInstance } from './model-types.js';

/** @returns the definition of the object's class. */
export function definitionOf(model: object): ModelDefinition {
  return (model.constructor as unknown as ModelConstructor).definition;
}

/** @returns the names of the fields that a store keeps: every own enumerable property. State in `#private` fields is not kept. */
export function fieldNames(model: object): string[] {
  const names = Object.keys(model);
  const flags = names.indexOf(FLAGS);
  if (flags !== -1) names.splice(flags, 1);
  return names;
}

/** Objects whose data has a field with the name of their flags. */
let flagsInData: WeakSet<object> | undefined;

/** Notes that the data of an object has a field with the name of its flags. */
export function noteFlagsInData(model: object): void {
  (flagsInData ??= new WeakSet()).add(model);
}

/**
 * Whether the data of an object has a field with the name of its flags. No store takes such an object: data must not decide what
 * diffs and syncs look at, and the field cannot be kept beside the flags.
 */
export function hasFlagsInData(model: object): boolean {
  return flagsInData?.has(model) ?? false;
}

/** @returns the value of one field; undefined when the object does not have it. */
export function fieldOf(model: object, field: string): unknown {
  return (model as Fields)[field];
}

/** @returns the unique ids that `field` lists; an absent list is empty. */
export function childUids(model: object, field: string): readonly string[] {
  return (fieldOf(model, field) as readonly string[] | null | undefined) ?? [];
}

/** @returns a copy of those of the named fields that the object has. */
export function copyFields(model: object, names: readonly string[]): Record<string, unknown> {
  return pickFields(model as Fields, names);
}

/**
 * Sets fields of an object, without validation.
 * @throws {ModelDefinitionError} (MODEL_DEFINITION) for a field with a name that every model uses itself.
 */
export function assignFields(model: { getType(): string }, fields: Fields): void {
  const target = model as unknown as Record<string, unknown>;
  for (const name in fields) {
    if (name !== FLAGS && (!(name in target) || Object.hasOwn(target, name))) target[name] = fields[name];
    else
      throw new ModelDefinitionError(
        `model ${shortened(model.getType())}: field "${shortened(name)}" has a name that every model uses itself`,
      );
  }
}

/** A field of a parent, and the unique ids that it lists. */
export type ChildListOf = readonly [field: string, list: string[]];

/**
 * @param doing - the verb of the message.
 * @returns the field of `parent` that lists objects of the child's model, and its list, created where there is none.
 * @throws {ObjectStoreWrongType} (OBJECT_STORE_WRONG_TYPE) when the parent's model has no field for such children.
 */
export function childListFor(parent: ModelInstance, child: ModelInstance, doing: string): ChildListOf {
  const mapping = parent.getChildrenMapping();
  const type = child.getType();
  const field = Object.hasOwn(mapping, type) ? mapping[type] : undefined;
  if (field === undefined) {
    const valid = Object.keys(mapping).toSorted().join(', ');
    throw new ObjectStoreWrongType(
      `Unable to ${doing} ${type} as a child of ${parent.getType()}; valid types are [${valid}]`,
    );
  }
  const fields = parent as unknown as Record<string, string[] | null | undefined>;
  return [field, (fields[field] ??= [])];
}
