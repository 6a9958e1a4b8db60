import { inspect } from 'node:util';
import { ModelDefinitionError } from '../errors.js';
import type { ModelClass } from '../model/model-class.js';
import { DiffSyncModel } from '../model/diffsync-model.js';

/** What an adapter class declares. */
interface AdapterDeclarations {
  readonly name: string;
  readonly models: readonly ModelClass[];
  readonly topLevel: readonly string[];
}

/**
 * Checks `models` and `topLevel` of an adapter class.
 * @returns the models by name.
 * @throws ModelDefinitionError for what is no model class, for two models of one name, and for a name without a model.
 */
export function checkDeclarations(adapter: AdapterDeclarations): ReadonlyMap<string, ModelClass> {
  const models = new Map<string, ModelClass>();
  for (const model of adapter.models) {
    if (typeof model !== 'function' || !(model.prototype instanceof DiffSyncModel)) {
      throw new ModelDefinitionError(`${adapter.name}.models holds ${inspect(model)}, which is no model class`);
    }
    if (models.has(model.modelName)) {
      throw new ModelDefinitionError(`${adapter.name}.models has two models named "${model.modelName}"`);
    }
    models.set(model.modelName, model);
  }
  for (const { modelName, definition } of models.values()) {
    const wrong = definition.dependsOn.find((name) => !models.has(name));
    if (wrong !== undefined) {
      throw new ModelDefinitionError(
        `model ${modelName}: dependsOn names "${wrong}", which is no model in ${adapter.name}.models`,
      );
    }
  }
  for (const name of adapter.topLevel) {
    if (!models.has(name)) {
      throw new ModelDefinitionError(
        `${adapter.name}.topLevel names "${name}", which is no model in ${adapter.name}.models`,
      );
    }
  }
  return models;
}
