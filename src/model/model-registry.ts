import { refuseOtherCopy } from '../values/package-copy.js';
import type { ModelClass } from './model-class.js';

/** The registry of one store: model name -> class. */
export class ModelRegistry {
  private readonly classes = new Map<string, ModelClass>();

  /** Sets the class of a name, in place of any other: for an adapter's own models. */
  register(model: ModelClass): void {
    this.classes.set(model.modelName, model);
  }

  /** Sets the class of a name that has none yet: for classes of objects that the store is called with. */
  learn(model: ModelClass): void {
    const known = this.classes.get(model.modelName);
    if (known === model) return;
    refuseOtherCopy(`The model ${model.modelName}`, model.prototype);
    if (known === undefined) this.classes.set(model.modelName, model);
  }

  get(name: string): ModelClass | undefined {
    return this.classes.get(name);
  }

  /** @returns the classes of all names. */
  all(): ModelClass[] {
    return [...this.classes.values()];
  }

  /**
   * @returns the class of the objects to build for a caller that names `model`: the registered class where it is a subclass
   * of it, so that an adapter's platform hooks are not lost, else `model` itself.
   */
  resolve(model: ModelClass): ModelClass {
    const registered = this.classes.get(model.modelName);
    return registered !== undefined && registered.prototype instanceof model ? registered : model;
  }

  /** @returns these models, parents before children. Models in a circle have no fixed order. */
  parentsFirst(models: readonly string[]): string[] {
    const childrenFirst = new Set<string>();
    const visited = new Set<string>();
    const visit = (model: string): void => {
      if (visited.size === visited.add(model).size) return;
      for (const child of Object.keys(this.classes.get(model)?.getChildrenMapping() ?? {})) visit(child);
      childrenFirst.add(model);
    };
    for (const model of models.toReversed()) visit(model);
    return [...childrenFirst].filter((model) => models.includes(model)).toReversed();
  }
}
