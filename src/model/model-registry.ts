import type { ModelClass } from './defined-model.js';

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
}
