import { isDeepEqual } from '../values/deep-equal.js';
import type { DiffSyncModel } from './diffsync-model.js';
import { classOf, type ModelClass } from './model-class.js';

type Fields = Readonly<Record<string, unknown>>;

/** Class -> field -> its default in the schema; a required field has no entry. */
const defaultsByClass = new WeakMap<ModelClass, ReadonlyMap<string, unknown>>();

/**
 * Omits fields that have the schema's default. Standard Schema has no list of defaults, so they are learnt once a class, by
 * validating an object once without each field.
 * @returns the fields from which the schema restores all; `fields` itself where a default depends on other fields.
 */
export async function omitDefaults(obj: DiffSyncModel, fields: Fields): Promise<Fields> {
  const model = classOf(obj);
  let defaults = defaultsByClass.get(model);
  if (defaults === undefined) defaultsByClass.set(model, (defaults = await learnDefaults(model, fields)));
  const kept = Object.entries(fields).filter(([field, value]) => {
    return !(defaults.has(field) && isDeepEqual(defaults.get(field), value));
  });
  const reduced = Object.fromEntries(kept);
  // A default may depend on other fields, and the schema would then restore another value.
  const restored = await outputOf(model, reduced);
  const lossless = Object.keys(fields).every(
    (field) => Object.hasOwn(reduced, field) || isDeepEqual(restored?.[field], fields[field]),
  );
  return lossless ? reduced : fields;
}

async function learnDefaults(model: ModelClass, example: Fields): Promise<ReadonlyMap<string, unknown>> {
  const defaults = new Map<string, unknown>();
  for (const field of Object.keys(example)) {
    const { [field]: _, ...others } = example;
    const output = await outputOf(model, others);
    if (output !== undefined) defaults.set(field, output[field]);
  }
  return defaults;
}

async function outputOf(model: ModelClass, input: Fields): Promise<Fields | undefined> {
  const result = await model.definition.schema['~standard'].validate(input);
  return result.issues === undefined ? (result.value as Fields) : undefined;
}
