import type { ModelClass } from './model-class.js';

/** Which class a model's name stands for, in one store. */
export class ModelRegistry {
  private readonly classes = new Map<string, ModelClass>();

  /** The class that wins for this name from now on: an adapter's own models. */
  register(model: ModelClass): void {
    this.classes.set(model.modelName, model);
  }

  /** Remembers a class seen in use, unless the name is taken. */
  learn(model: ModelClass): void {
    if (!this.classes.has(model.modelName)) this.classes.set(model.modelName, model);
  }

  get(name: string): ModelClass | undefined {
    return this.classes.get(name);
  }

  /**
   * The class to build objects with when `model` was asked for: the registered one where it is a subclass of it, so that
   * an adapter's platform hooks are not lost, else `model` itself.
   */
  resolve(model: ModelClass): ModelClass {
    const registered = this.classes.get(model.modelName);
    return registered !== undefined && registered.prototype instanceof model ? registered : model;
  }

  /** These models, each before the models of its children, as far as they are no circle. */
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
