import type { Fields, ModelConstructor, ModelInstance } from './model-types.js';
import type { UnreservedNames } from './unreserved-names.js';

/** Fields for the constructor of `DiffSyncModel` that are valid already. */
export interface PrevalidatedFields {
  readonly fields: Fields;
  /** The constructor adds to them, so that each name is looked up once a class. */
  readonly unreserved: UnreservedNames;
  /** Makes the instance a probe, with accessors instead of values. Is called whenever a field is read or set. */
  readonly onUse?: (() => void) | undefined;
}

/**
 * Side channel for pre-validated fields: `hydrate` must call a subclass constructor whose signature it does not know. Set
 * immediately before `new`, consumed by the base constructor of that class. A constructor may make other models before it calls
 * the base constructor: they do not take what is meant for its class.
 */
let waitingClass: ModelConstructor | undefined;
let waitingFields: PrevalidatedFields | undefined;

/** Calls the constructor of a class with fields that it does not validate. */
export function construct<M extends ModelInstance>(model: ModelConstructor<M>, given: PrevalidatedFields): M {
  const { fields, onUse } = given;
  const input = onUse === undefined ? fields : defineProbes({}, fields, onUse);
  const [outerClass, outerFields] = [waitingClass, waitingFields];
  waitingClass = model;
  waitingFields = given;
  try {
    return new model(input as never);
  } finally {
    waitingClass = outerClass;
    waitingFields = outerFields;
  }
}

/** @returns the fields that `construct` set for the class, once; undefined where other code called the constructor. */
export function takePrevalidated(model: ModelConstructor): PrevalidatedFields | undefined {
  if (waitingClass !== model) return undefined;
  const given = waitingFields;
  waitingClass = waitingFields = undefined;
  return given;
}

/** Defines each field as an accessor that reports its use. */
export function defineProbes<T extends object>(target: T, fields: Fields, onUse: () => void): T {
  for (const field of Object.keys(fields)) {
    let value = fields[field];
    Object.defineProperty(target, field, {
      get: () => {
        onUse();
        return value;
      },
      set: (next: unknown) => {
        onUse();
        value = next;
      },
      enumerable: true,
      configurable: true,
    });
  }
  return target;
}
