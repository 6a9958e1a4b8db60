import type { StandardSchemaV1 } from '@standard-schema/spec';
import { cloneValue, UnstorableValue } from '../values/clone.js';
import { setOwn } from '../values/own-property.js';
import { declaredFields, type ModelDefinition } from './model-definition.js';
import type { Fields } from './model-types.js';
import { fieldSchemasOf, type FieldSchema } from './schema-structure.js';

const declaredByDefinition = new WeakMap<ModelDefinition, FieldFiller>();
const allByDefinition = new WeakMap<ModelDefinition, FieldFiller>();

/**
 * Adds the declared fields that a stored record lacks, as the schema fills them: an older version of the class wrote the record.
 * A field that the schema does not fill, or only asynchronously, stays absent.
 * @param data - the fields of a record; they are not changed.
 * @returns all fields; `data` itself where nothing is added.
 */
export function withDeclaredFields(definition: ModelDefinition, data: Fields): Fields {
  let filler = declaredByDefinition.get(definition);
  if (filler === undefined) {
    filler = new FieldFiller(definition, declaredFields(definition));
    declaredByDefinition.set(definition, filler);
  }
  return filler.fill(data);
}

/** The same for all fields of the schema, for an object that is made of identifiers and attributes only. */
export function withAllFields(definition: ModelDefinition, data: Fields): Fields {
  let filler = allByDefinition.get(definition);
  if (filler === undefined) {
    const fields = fieldSchemasOf(definition.schema);
    filler = new FieldFiller(definition, fields === undefined ? undefined : [...fields.keys()]);
    allByDefinition.set(definition, filler);
  }
  return filler.fill(data);
}

/** Fills missing fields of one class. It learns first which fields the schema can fill, because most that are absent are optional. */
class FieldFiller {
  /** Field -> its own schema, where that fills it; undefined where only the schema of the object does. */
  private readonly schemas = new Map<string, StandardSchemaV1 | undefined>();
  private readonly fillable: readonly string[];

  /** @param fields - the fields to fill; undefined for all that the schema's output has. */
  constructor(
    private readonly definition: ModelDefinition,
    private readonly fields: readonly string[] | undefined,
  ) {
    const structure = fieldSchemasOf(definition.schema);
    for (const field of fields ?? []) {
      const known = structure?.get(field);
      if (known === undefined) {
        // A field of a known structure that is none of the schema's is never filled.
        if (structure === undefined) this.schemas.set(field, undefined);
      } else if (canFill(known)) {
        this.schemas.set(field, known.filledBy === 'field' ? known.schema : undefined);
      }
    }
    this.fillable = [...this.schemas.keys()];
  }

  fill(data: Fields): Fields {
    if (this.fields === undefined) return this.add(data, undefined);
    // By index: an iterator for each record would be a large part of a comparison's garbage.
    for (let at = 0; at < this.fillable.length; at++) {
      const field = this.fillable[at] as string;
      // No field has a name of Object.prototype, so that a value is the record's own; the other check takes longer.
      if (data[field] === undefined && !Object.hasOwn(data, field)) return this.add(data, this.fillable);
    }
    return data;
  }

  private add(data: Fields, fields: readonly string[] | undefined): Fields {
    let filled: Record<string, unknown> | undefined;
    let whole: Fields | undefined;
    const ofObject = (): Fields => (whole ??= (answerOf(this.definition.schema, data) as Fields | undefined) ?? {});
    for (const field of fields ?? Object.keys(ofObject())) {
      if (Object.hasOwn(data, field)) continue;
      const schema = this.schemas.get(field);
      const value = schema === undefined ? own(ofObject(), field) : answerOf(schema, undefined);
      if (value !== undefined) setOwn((filled ??= { ...data }), field, ownCopy(value));
    }
    return filled ?? data;
  }
}

function canFill({ schema, filledBy }: FieldSchema): boolean {
  return filledBy === 'object' || (filledBy === 'field' && answerOf(schema, undefined) !== undefined);
}

function own(fields: Fields, field: string): unknown {
  return Object.hasOwn(fields, field) ? fields[field] : undefined;
}

/** @returns the schema's output for the input; undefined where it refuses, throws, or is asynchronous. */
function answerOf(schema: StandardSchemaV1, input: unknown): unknown {
  let result: ReturnType<StandardSchemaV1['~standard']['validate']>;
  try {
    result = schema['~standard'].validate(input);
  } catch {
    return undefined; // A transform that expects a value throws: it has none to give.
  }
  if ('then' in result) {
    result.catch(() => undefined); // Its outcome no longer matters, and must not end the process.
    return undefined;
  }
  return result.issues === undefined ? result.value : undefined;
}

/** A copy, because a schema may hand out one default more than once. */
function ownCopy(value: unknown): unknown {
  try {
    return cloneValue(value);
  } catch (error) {
    if (error instanceof UnstorableValue) return value; // It is refused, with model and field, when it is to be stored.
    throw error;
  }
}
