/** Every key of a store; nothing else in the package builds one. Store ids and model names hold no `:`, so none can collide. */
export class RedisKeys {
  constructor(private readonly storeId: string) {}

  /** An object's key is this and its unique id, whatever characters that has. */
  objectPrefix(model: string): string {
    return `diffsync:${this.storeId}:${model}:`;
  }

  /** Sorted set: unique ids by insertion. */
  index(model: string): string {
    return `diffsync.index:${this.storeId}:${model}`;
  }

  /** Set: names of models that may have objects. */
  models(): string {
    return `diffsync.models:${this.storeId}`;
  }
}
