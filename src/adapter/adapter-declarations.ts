import { inspect } from 'node:util';
import { ModelDefinitionError } from '../errors.js';
import type { ModelClass } from '../model/model-class.js';
import type { NamedModel } from '../model/model-types.js';
import { checkMemberNames, type NamedClass } from '../model/python-names.js';
import { DiffSyncModel } from '../model/diffsync-model.js';
import { refuseOtherCopy } from '../values/package-copy.js';
import type { ModelDefinition } from '../model/model-definition.js';

/** Declarations of Python's models that are options of `define` here. */
const PYTHON_MEMBERS = {
  _modelname: 'name, an option of define',
  _identifiers: 'identifiers, an option of define',
  _attributes: 'attributes, an option of define',
  _children: 'children, an option of define',
  _shortname: 'shortname, an option of define',
  model_flags: 'modelFlags',
};

/** What an adapter class declares. */
interface AdapterDeclarations extends NamedClass {
  readonly models: readonly NamedModel[];
  readonly topLevel: readonly string[];
}

/**
 * Checks `models` and `topLevel` of an adapter class, and the names of its members and its models'.
 * @param base - the class Adapter.
 * @returns the models by name.
 * @throws ModelDefinitionError for what is no model class, for two models of one name, for a name without a model, and for a
 * `dependsOn` that can have no effect.
 */
export function checkDeclarations(adapter: AdapterDeclarations, base: NamedClass): ReadonlyMap<string, ModelClass> {
  checkMemberNames(adapter, base);
  const models = new Map<string, ModelClass>();
  for (const model of adapter.models as readonly ModelClass[]) {
    refuseOtherCopy(`A model of ${adapter.name}`, (model as Partial<ModelClass> | undefined)?.prototype);
    if (typeof model !== 'function' || !(model.prototype instanceof DiffSyncModel)) {
      throw new ModelDefinitionError(`${adapter.name}.models holds ${inspect(model)}, which is no model class`);
    }
    if (models.has(model.modelName)) {
      throw new ModelDefinitionError(`${adapter.name}.models has two models named "${model.modelName}"`);
    }
    checkMemberNames(model, DiffSyncModel, PYTHON_MEMBERS);
    models.set(model.modelName, model);
  }
  for (const name of adapter.topLevel) {
    if (!models.has(name)) {
      throw new ModelDefinitionError(
        `${adapter.name}.topLevel names "${name}", which is no model in ${adapter.name}.models`,
      );
    }
  }
  for (const { modelName, definition } of models.values()) checkDependencies(adapter, models, modelName, definition);
  return models;
}

/** Only top-level models are put in order: objects of others are created below their parents, wherever those come. */
function checkDependencies(
  { name, topLevel }: AdapterDeclarations,
  models: ReadonlyMap<string, ModelClass>,
  modelName: string,
  { dependsOn }: ModelDefinition,
): void {
  const missing = dependsOn.find((other) => !models.has(other));
  if (missing !== undefined) {
    throw new ModelDefinitionError(
      `model ${modelName}: dependsOn names "${missing}", which is no model in ${name}.models`,
    );
  }
  const below = dependsOn.find((other) => !topLevel.includes(other));
  if (below !== undefined) {
    throw new ModelDefinitionError(
      `model ${modelName}: dependsOn names "${below}", which is not in ${name}.topLevel, so that the order cannot be kept: ` +
        `name the top-level model above "${below}" instead, or add "${below}" to topLevel`,
    );
  }
  const [first] = dependsOn;
  if (first !== undefined && !topLevel.includes(modelName)) {
    throw new ModelDefinitionError(
      `model ${modelName}: dependsOn names "${first}", but ${modelName} itself is not in ${name}.topLevel, so that the order ` +
        `cannot be kept: let the top-level model above ${modelName} depend on "${first}", or add ${modelName} to topLevel`,
    );
  }
}
