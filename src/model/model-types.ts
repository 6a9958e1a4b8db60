import type { DiffSyncModelFlags } from '../flags.js';
import type { ModelDefinition } from './model-definition.js';

/** What construction and inspection need of an instance. They cannot import `DiffSyncModel`, which imports them. */
export interface ModelInstance {
  modelFlags: DiffSyncModelFlags;
  getType(): string;
  getUniqueId(): string;
  getIdentifiers(): object;
  getAttrs(): object;
  getShortname(): string;
  getChildrenMapping(): Readonly<Record<string, string>>;
}

/** What construction and inspection need of a model class; `ModelClass` is one. */
export interface ModelConstructor<M extends ModelInstance = ModelInstance> {
  new (input: never): M;
  readonly prototype: M;
  readonly modelName: string;
  readonly definition: ModelDefinition;
  createUniqueId(ids: never): string;
}

/** The members of `DiffSyncModel` that a class may override. The caller hands the class in. */
export type BaseModel = Pick<ModelConstructor, 'prototype' | 'createUniqueId'>;

export type Fields = Readonly<Record<string, unknown>>;

/** What a model class is about, for the compiler: helpers over any model class read it, and no class has it when it runs. */
export interface ModelTypes {
  /** The name of the model. */
  readonly name: string;
  /** What the schema takes. */
  readonly input: object;
  /** Identifier -> value. */
  readonly ids: Readonly<Record<string, unknown>>;
  /** Attribute -> value. */
  readonly attrs: Readonly<Record<string, unknown>>;
  /** Child model name -> field. */
  readonly children: Readonly<Record<string, string>>;
  /** The names of the children's models. */
  readonly childName: string;
}

/** What the definition of an adapter needs of a model class; hooks are none of it, so that they may name that adapter. */
export interface NamedModel {
  /** The name of the model, as given to `define`. */
  readonly modelName: string;
  readonly prototype: object;
  /** For the compiler alone: what the class is about. */
  readonly '~types'?: ModelTypes;
}
