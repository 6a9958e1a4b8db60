import { ModelDefinitionError } from '../errors.js';
import { pickFields } from '../values/clone.js';
import { declaredFields } from './model-definition.js';
import { fieldNames } from './model-fields.js';
import type { BaseModel, Fields, ModelConstructor } from './model-types.js';
import { construct } from './side-channel.js';
import { UnreservedNames } from './unreserved-names.js';

/** What probes have shown of a class. */
export interface ClassFacts {
  /** Whether its constructor or class body sets fields, so that `hydrate` must set its fields again after them. */
  readonly setsFields: boolean;
  /** Fields that the class sets, and that no validated object has had yet. */
  readonly unconfirmed: Set<string>;
  /** As in `PrevalidatedFields`. */
  readonly unreserved: UnreservedNames;
}

const factsByClass = new WeakMap<object, ClassFacts>();
/** Class -> whether its objects hold what their records hold. */
const keepsFieldsByClass = new WeakMap<object, boolean>();

/**
 * Inspects a class with a probe: an instance with accessors instead of values. A class field of the same name replaces its
 * accessor, where an assignment in a constructor only sets it; so a re-declared field, which would silently lose data, is
 * found. A class is inspected once, and again when a field that it sets occurs in data for the first time.
 * @param validated - whether all of `fields` are the schema's; of a record's fields, some may be the class's own.
 * @throws {ModelDefinitionError} (MODEL_DEFINITION) for a field that the class body declares again.
 */
export function inspectClass(model: ModelConstructor, fields: Fields, validated: boolean): ClassFacts {
  const known = factsByClass.get(model);
  if (known?.unconfirmed.size === 0) return known;
  const schemaFields = (validated ? Object.keys(fields) : declaredFields(model.definition)).filter((field) =>
    Object.hasOwn(fields, field),
  );
  if (known !== undefined && !schemaFields.some((field) => known.unconfirmed.has(field))) return known;
  const unconfirmed = known?.unconfirmed ?? new Set<string>();
  const unreserved = known?.unreserved ?? new UnreservedNames();
  let setsFields = known?.setsFields ?? false;
  const probe = construct(model, { fields, unreserved, onUse: () => undefined });
  for (const field of fieldNames(probe)) {
    if (Object.getOwnPropertyDescriptor(probe, field)?.get !== undefined) {
      unconfirmed.delete(field);
    } else if (schemaFields.includes(field)) {
      throw new ModelDefinitionError(
        `class ${model.name}: the field "${field}" of model ${model.modelName} is declared again in the class body, which ` +
          `overwrites its value; write "declare ${field}: …" or leave the line out`,
      );
    } else {
      setsFields = true;
      unconfirmed.add(field);
    }
  }
  const facts = { setsFields, unconfirmed, unreserved };
  factsByClass.set(model, facts);
  return facts;
}

/**
 * Whether a comparison may read a record instead of the object: the class overrides no method that a comparison calls, and
 * its objects hold what their records hold.
 * @param base - the class DiffSyncModel.
 * @param fields - those of any record of the class.
 */
export function comparesByRecord(model: ModelConstructor, base: BaseModel, fields: Fields): boolean {
  if (overridesComparison(model, base)) return false;
  let keeps = keepsFieldsByClass.get(model);
  if (keeps === undefined) keepsFieldsByClass.set(model, (keeps = keepsFields(model, fields)));
  return keeps;
}

/** Whether the unique id of an object may be another one than its identifiers joined. */
export function overridesUniqueId(model: ModelConstructor, base: BaseModel): boolean {
  const { prototype } = model;
  return (
    !usesDefaultUniqueId(model, base) ||
    prototype.getUniqueId !== base.prototype.getUniqueId ||
    prototype.getIdentifiers !== base.prototype.getIdentifiers
  );
}

/** Whether the class joins identifiers to a unique id as its definition says. */
export function usesDefaultUniqueId({ createUniqueId }: ModelConstructor, base: BaseModel): boolean {
  return createUniqueId === base.createUniqueId;
}

/** Whether each object says what its children are, so that they may be of types that the class does not name. */
export function overridesChildren({ prototype }: ModelConstructor, base: BaseModel): boolean {
  return prototype.getChildrenMapping !== base.prototype.getChildrenMapping;
}

function overridesComparison(model: ModelConstructor, base: BaseModel): boolean {
  const { prototype } = model;
  return (
    overridesUniqueId(model, base) ||
    overridesChildren(model, base) ||
    prototype.getType !== base.prototype.getType ||
    prototype.getAttrs !== base.prototype.getAttrs ||
    prototype.getShortname !== base.prototype.getShortname
  );
}

/** Whether neither constructors nor class bodies read or set a field. */
function keepsFields(model: ModelConstructor, fields: Fields): boolean {
  const declared = declaredFields(model.definition);
  const own = pickFields(fields, Object.keys(fields));
  const all = { ...Object.fromEntries(declared.map((field) => [field, undefined])), ...own };
  let used = false;
  try {
    const probe = construct(model, { fields: all, unreserved: new UnreservedNames(), onUse: () => (used = true) });
    return !used && declared.every((field) => Object.getOwnPropertyDescriptor(probe, field)?.get !== undefined);
  } catch {
    return false;
  }
}
