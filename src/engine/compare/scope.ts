import { ValueError } from '../../errors.js';
import type { Attrs } from '../../diff/compared-object.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import type { ModelDefinition } from '../../model/model-definition.js';
import { definitionOfView, objectOf, type ObjectView } from '../../record/record-view.js';
import { isDeepEqual } from '../../values/deep-equal.js';
import type { Side } from '../side.js';

/** Decides whether an object is compared. Give the parameter the type of its model: `(d: Device) => d.role === 'leaf'`. */
export type ObjectFilter = { filter(obj: DiffSyncModel): boolean }['filter'];

/** Names of attributes, by model. */
export type AttrLists = Readonly<Record<string, readonly string[] | undefined>>;

/**
 * What part of two adapters is compared. The options combine. A model or an attribute that neither adapter has is refused
 * with ValueError (VALUE_ERROR).
 *
 * @example
 * ```ts
 * const diff = await cmdb.diffFrom(network, {
 *   modelTypes: ['device'],
 *   filters: { device: (device: Device) => device.role === 'leaf' },
 *   excludeAttrs: { device: ['serial'] },
 * });
 * ```
 */
export interface ScopeOptions {
  /**
   * The models that are compared. Objects of other models above them are not compared, and must be on both sides.
   * Default: all models.
   */
  modelTypes?: readonly string[] | undefined;
  /** Filters by model: a pair is compared, with everything below it, if the object of either side passes. Default: none. */
  filters?: Readonly<Record<string, ObjectFilter | undefined>> | undefined;
  /** The attributes that are compared and updated, by model; an object that is created gets all. Default: all. */
  syncAttrs?: AttrLists | undefined;
  /** The attributes that are neither compared nor updated, by model; an object that is created gets all. Default: none. */
  excludeAttrs?: AttrLists | undefined;
}

/** Applies the scope options to one object at a time. */
export class Scope {
  private readonly selected: ReadonlySet<string> | undefined;
  /** The compared types and the types above them. */
  private readonly reached: ReadonlySet<string> | undefined;
  /** The compared attributes, by definition. */
  private readonly attributes = new Map<ModelDefinition, readonly string[]>();

  /** The attributes that the classes of the last pair of objects have in common. */
  private common:
    | { readonly src: readonly string[]; readonly dst: readonly string[]; readonly names: readonly string[] }
    | undefined;

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
        const wrong = list?.find((attr) => !own.includes(attr));
        if (wrong !== undefined) throw new ValueError(`${option}: model "${name}" has no attribute "${wrong}"`);
      }
    }
    if (modelTypes === undefined) return;
    this.selected = new Set(modelTypes);
    const reached = new Set(modelTypes);
    for (let size = -1; size !== reached.size;) {
      size = reached.size;
      for (const model of models) {
        if (Object.keys(model.getChildrenMapping()).some((child) => reached.has(child))) reached.add(model.modelName);
      }
    }
    this.reached = reached;
  }

  /** Returns whether objects of this type are compared. */
  compares(type: string): boolean {
    return this.selected?.has(type) ?? true;
  }

  /** Returns whether objects of this type are visited: they are compared, or are above others that are. */
  reaches(type: string): boolean {
    return this.reached?.has(type) ?? true;
  }

  /** Returns whether a pair passes its model's filter. */
  passes(type: string, src: ObjectView | undefined, dst: ObjectView | undefined): boolean {
    const filter = ownEntry(this.options.filters, type);
    if (filter === undefined) return true;
    return (src !== undefined && filter(objectOf(src))) || (dst !== undefined && filter(objectOf(dst)));
  }

  /** Returns the attributes of a definition that are compared. */
  comparedAttributes(definition: ModelDefinition): readonly string[] {
    let names = this.attributes.get(definition);
    if (names === undefined) {
      const { name, attributes } = definition;
      this.attributes.set(definition, (names = attributes.filter((attr) => this.comparesAttr(name, attr))));
    }
    return names;
  }

  /**
   * Returns the compared attributes of a pair: those that both sides' classes declare. One that an object does not have is
   * undefined. It is the same object for both sides if they are equal, to save memory.
   */
  attrsOf(src: ObjectView, dst: ObjectView): [source: Attrs, dest: Attrs] {
    const type = dst.getType();
    const [ours, theirs] = [src.getAttrs(), dst.getAttrs()];
    const names = this.commonAttributes(type, declaredNames(src, ours), declaredNames(dst, theirs));
    const source = valuesOf(ours, names);
    const dest = valuesOf(theirs, names);
    return [source, isDeepEqual(source, dest) ? source : dest];
  }

  /** The lists are mostly those of two definitions, which are the same for all pairs of a type. */
  private commonAttributes(type: string, src: readonly string[], dst: readonly string[]): readonly string[] {
    const known = this.common;
    if (known?.src === src && known.dst === dst) return known.names;
    const names = dst.filter((name) => src.includes(name) && this.comparesAttr(type, name));
    this.common = { src, dst, names };
    return names;
  }

  private comparesAttr(type: string, name: string): boolean {
    const only = ownEntry(this.options.syncAttrs, type);
    const without = ownEntry(this.options.excludeAttrs, type);
    return this.compares(type) && (only?.includes(name) ?? true) && !(without?.includes(name) ?? false);
  }
}

/** The attributes that the class declares; one that overrides `getAttrs` declares what that returns besides. */
function declaredNames(view: ObjectView, attrs: Attrs): readonly string[] {
  const { attributes } = definitionOfView(view);
  const further = Object.keys(attrs).filter((name) => !attributes.includes(name));
  return further.length === 0 ? attributes : [...attributes, ...further];
}

function valuesOf(attrs: Attrs, names: readonly string[]): Attrs {
  return Object.fromEntries(names.map((name) => [name, Object.hasOwn(attrs, name) ? attrs[name] : undefined]));
}

function ownEntry<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}
