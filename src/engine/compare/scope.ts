import { ValueError } from '../../errors.js';
import type { Attrs } from '../../diff/compared-object.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import type { ModelDefinition } from '../../model/model-definition.js';
import { objectOf, type ObjectView } from '../../record/record-view.js';
import { isDeepEqual } from '../../values/deep-equal.js';
import type { Side } from '../side.js';

/** Takes an object of its model; write the parameter's type as you need it: `(d: Device) => d.role === 'leaf'`. */
export type ObjectFilter = { filter(obj: DiffSyncModel): boolean }['filter'];

/** What part of two systems is compared. All of it together; names of models that neither side has are a ValueError. */
export interface ScopeOptions {
  /** Only these models. Others on the way down to them are not compared, and must be there on both sides. Default: all. */
  readonly modelTypes?: readonly string[];
  /** Model -> only pairs of which one side's object passes, with all below them. Default: all. */
  readonly filters?: Readonly<Record<string, ObjectFilter>>;
  /** Model -> only these attributes are compared and updated; an object that is created gets all. Default: all. */
  readonly syncAttrs?: Readonly<Record<string, readonly string[]>>;
  /** Model -> these attributes are neither compared nor updated; an object that is created gets all. Default: none. */
  readonly excludeAttrs?: Readonly<Record<string, readonly string[]>>;
}

/** The options, ready to be asked for each object. */
export class Scope {
  private readonly wanted: ReadonlySet<string> | undefined;
  /** The wanted types and those above them. */
  private readonly reached: ReadonlySet<string> | undefined;
  /** Definition -> the attributes that are compared. */
  private readonly attributes = new Map<ModelDefinition, readonly string[]>();

  /** @throws ValueError for a model or attribute that neither side has. */
  constructor(
    private readonly options: ScopeOptions,
    sides: readonly Side[],
  ) {
    const { modelTypes, filters = {}, syncAttrs = {}, excludeAttrs = {} } = options;
    const models = sides.flatMap((side) => [...side.modelClasses.values()]);
    const known = new Set(models.map((model) => model.modelName));
    for (const [option, names] of Object.entries({
      modelTypes: modelTypes ?? [],
      filters: Object.keys(filters),
      syncAttrs: Object.keys(syncAttrs),
      excludeAttrs: Object.keys(excludeAttrs),
    })) {
      const wrong = names.find((name) => !known.has(name));
      if (wrong !== undefined) throw new ValueError(`${option}: neither side has a model "${wrong}"`);
    }
    for (const [option, attrs] of Object.entries({ syncAttrs, excludeAttrs })) {
      for (const [name, list] of Object.entries(attrs)) {
        const own = models.filter((model) => model.modelName === name).flatMap((model) => model.definition.attributes);
        const wrong = list.find((attr) => !own.includes(attr));
        if (wrong !== undefined) throw new ValueError(`${option}: model "${name}" has no attribute "${wrong}"`);
      }
    }
    if (modelTypes === undefined) return;
    this.wanted = new Set(modelTypes);
    const reached = new Set(modelTypes);
    for (let size = -1; size !== reached.size;) {
      size = reached.size;
      for (const model of models) {
        if (Object.keys(model.getChildrenMapping()).some((child) => reached.has(child))) reached.add(model.modelName);
      }
    }
    this.reached = reached;
  }

  /** Whether objects of this type are compared. */
  compares(type: string): boolean {
    return this.wanted?.has(type) ?? true;
  }

  /** Whether objects of this type are looked at, be it on the way to others. */
  reaches(type: string): boolean {
    return this.reached?.has(type) ?? true;
  }

  /** Whether a pair passes its model's filter. */
  passes(type: string, src: ObjectView | undefined, dst: ObjectView | undefined): boolean {
    const filter = ownEntry(this.options.filters, type);
    if (filter === undefined) return true;
    return (src !== undefined && filter(objectOf(src))) || (dst !== undefined && filter(objectOf(dst)));
  }

  /** Those of a definition's attributes that are compared. */
  compared(definition: ModelDefinition): readonly string[] {
    let names = this.attributes.get(definition);
    if (names === undefined) {
      const { name, attributes } = definition;
      this.attributes.set(definition, (names = attributes.filter((attr) => this.comparesAttr(name, attr))));
    }
    return names;
  }

  /** The attributes of a pair that are compared: one object for both sides where they are equal, as most of a large diff are. */
  attrsOf(src: ObjectView, dst: ObjectView): [source: Attrs, dest: Attrs] {
    const [source, dest] = [this.select(src), this.select(dst)];
    return [source, isDeepEqual(source, dest) ? source : dest];
  }

  private select(view: ObjectView): Attrs {
    const type = view.getType();
    const attrs = view.getAttrs();
    if (!this.narrows(type)) return attrs;
    return Object.fromEntries(Object.entries(attrs).filter(([name]) => this.comparesAttr(type, name)));
  }

  private narrows(type: string): boolean {
    const { syncAttrs, excludeAttrs } = this.options;
    return [syncAttrs, excludeAttrs].some((attrs) => ownEntry(attrs, type) !== undefined) || !this.compares(type);
  }

  private comparesAttr(type: string, name: string): boolean {
    const only = ownEntry(this.options.syncAttrs, type);
    const without = ownEntry(this.options.excludeAttrs, type);
    return this.compares(type) && (only?.includes(name) ?? true) && !(without?.includes(name) ?? false);
  }
}

function ownEntry<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}
