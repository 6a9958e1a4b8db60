import type { ModelDefinition } from './model-definition.js';

/** A class of a model, as far as secrets go. */
interface SecretOwner {
  readonly definition: Pick<ModelDefinition, 'secret'>;
}

/**
 * Returns the attributes whose values are never shown: those that any of the classes of one model declares as secret. What is
 * secret on one side is it in every diff with that side.
 * @returns undefined where there are none, as for most models.
 */
export function secretAttributes(...classes: readonly (SecretOwner | undefined)[]): ReadonlySet<string> | undefined {
  const names = new Set(classes.flatMap((model) => [...(model?.definition.secret ?? [])]));
  return names.size === 0 ? undefined : names;
}
