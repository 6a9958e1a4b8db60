import { mapYielding } from '../../async/event-loop.js';
import { DiffException } from '../../errors.js';
import { overridesChildren, overridesUniqueId } from '../../model/class-inspection.js';
import { DiffSyncModel } from '../../model/diffsync-model.js';
import { uniqueIdOfParsed } from '../../model/identity.js';
import { runMaybeAsync, type MaybeAsync } from '../../model/maybe-async.js';
import type { ModelClass } from '../../model/model-class.js';
import { parsingFields, type ParsedFields } from '../../model/parse-fields.js';
import { fieldSchemasOf } from '../../model/schema-structure.js';
import { checkUniqueId } from '../../model/unique-id.js';
import {
  childUidsOf,
  definitionOfView,
  ParsedView,
  pickFrom,
  type ObjectView,
  type ParsedParts,
  type StoredView,
} from '../../record/record-view.js';
import { viewAll, viewByUids } from '../../store/engine-access.js';
import { isDeepEqual } from '../../values/deep-equal.js';
import { checkAborted, type Side } from '../side.js';
import { storeReader, type ObjectReader } from './object-reader.js';
import type { Scope } from './scope.js';

/** Objects that are parsed at a time. */
const PAGE = 500;

/** A type for which source and target have different classes, so that the target's makes other values of what the source has. */
interface ForeignType {
  /** The target's class. */
  readonly model: ModelClass;
  /** Whether the source's values are parsed; else both classes have one schema, of which they are the output. */
  readonly parses: boolean;
  /** Whether an object may have another unique id in the target. */
  readonly renames: boolean;
}

/** The objects of one type whose unique ids differ. */
interface Renamed {
  /** The source's unique id -> the target's. */
  readonly inTarget: Map<string, string>;
  /** The target's unique id -> the source's. */
  readonly inSource: Map<string, string>;
}

/**
 * Returns a reader of the source's objects as they would be in the target. What both sides' classes have one schema for is read
 * as it is.
 * @param signal ends every read.
 * @throws DiffException where two objects of the source would be one in the target.
 */
export async function sourceReader(
  src: Side,
  dst: Side,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<ObjectReader> {
  const foreign = new Map<string, ForeignType>();
  for (const [type, ours] of src.modelClasses) {
    const model = dst.modelClasses.get(type);
    if (model === undefined || !scope.reaches(type) || sharesIdentity(ours, model)) continue;
    const parses = ours.definition.schema !== model.definition.schema;
    foreign.set(type, { model, parses, renames: mayRename(ours, model) });
  }
  if (foreign.size === 0) return storeReader(src, signal);
  const reader = new SourceReader(src, dst, scope, foreign, signal);
  await reader.readListedNames();
  return reader;
}

/** Whether an object of the source may have another unique id in the target. */
export function mayRenameAny(src: Side, dst: Side, scope: Scope): boolean {
  return [...src.modelClasses].some(([type, ours]) => {
    const model = dst.modelClasses.get(type);
    return model !== undefined && scope.reaches(type) && !sharesIdentity(ours, model) && mayRename(ours, model);
  });
}

class SourceReader implements ObjectReader {
  private readonly renamed = new Map<string, Renamed>();
  /** Whether any of the children that a type lists has another unique id in the target. */
  private hasRenamed = false;

  constructor(
    private readonly src: Side,
    private readonly dst: Side,
    private readonly scope: Scope,
    private readonly foreign: ReadonlyMap<string, ForeignType>,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Reads the objects that parents list and that may have other unique ids in the target: the lists name the source's. */
  async readListedNames(): Promise<void> {
    const classes = [...this.src.modelClasses.values()];
    const listed = new Set(classes.flatMap((model) => Object.keys(model.getChildrenMapping())));
    const listsAny = classes.some((model) => overridesChildren(model, DiffSyncModel));
    for (const [type, { renames }] of this.foreign) {
      if (renames && (listsAny || listed.has(type))) await this.all(type);
    }
  }

  async all(type: string): Promise<readonly ObjectView[]> {
    const views = await viewAll(this.src.store, type, this.signal);
    const foreign = this.foreign.get(type);
    if (foreign === undefined && !this.hasRenamed) return views;
    const parsed: ObjectView[] = [];
    for (let at = 0; at < views.length; at += PAGE) {
      checkAborted(this.signal);
      for (const view of await this.parseAll(views.slice(at, at + PAGE))) if (view !== undefined) parsed.push(view);
    }
    if (foreign?.renames === true) this.noteNames(type, views, parsed);
    return parsed;
  }

  async *byUids(
    type: string,
    uids: readonly string[],
  ): AsyncGenerator<readonly (ObjectView | undefined)[], void, undefined> {
    const names = this.renamed.get(type)?.inSource;
    const known = names === undefined ? uids : uids.map((uid) => names.get(uid) ?? uid);
    if (names === undefined && !this.foreign.has(type) && !this.hasRenamed) {
      yield* viewByUids(this.src.store, type, uids, this.signal);
      return;
    }
    let at = 0;
    for await (const page of viewByUids(this.src.store, type, known, this.signal)) {
      const views = await this.parseAll(page);
      // What the source has under a unique id of the target may be another object there.
      yield views.map((view) => (view?.getUniqueId() === uids[at++] ? view : undefined));
    }
  }

  private async parseAll(views: readonly (StoredView | undefined)[]): Promise<(ObjectView | undefined)[]> {
    const parsed = await mapYielding(views, (view) => view && runMaybeAsync(this.parsing(view)));
    const isPending = (view: (typeof parsed)[number]): boolean => view instanceof Promise;
    if (parsed.some(isPending)) return Promise.all(parsed.map(async (view) => view));
    return parsed as (ObjectView | undefined)[];
  }

  /** @returns the object as it would be in the target; itself where it would be the same. */
  private *parsing(view: StoredView): MaybeAsync<ObjectView> {
    const lists = this.listsOf(view);
    const foreign = this.foreign.get(view.getType());
    const parts = foreign && (yield* this.parsingParts(view, foreign, lists));
    if (parts !== undefined) return new ParsedView(view, parts);
    if (lists.size === 0) return view;
    return new ParsedView(view, {
      uid: view.getUniqueId(),
      shortname: view.getShortname(),
      identifiers: view.getIdentifiers(),
      attrs: view.getAttrs(),
      refused: undefined,
      lists,
    });
  }

  private *parsingParts(
    view: StoredView,
    { model, parses }: ForeignType,
    lists: ParsedParts['lists'],
  ): MaybeAsync<ParsedParts | undefined> {
    const { definition } = model;
    const [ids, attrs] = [view.getIdentifiers(), view.getAttrs()];
    const { attributes, shortname } = definitionOfView(view);
    const compared = this.scope
      .comparedAttributes(definition)
      .filter((name) => attributes.includes(name) || Object.hasOwn(attrs, name));
    const given = { ...pickFrom(view, shortname), ...attrs, ...ids };
    const names = [...new Set([...definition.identifiers, ...compared, ...shortname])];
    const { values, refused }: ParsedFields = parses
      ? yield* parsingFields(definition, given, names)
      : { values: given, refused: undefined };
    const [uid, own] = [uniqueIdIn(model, { ...given, ...values }) ?? view.getUniqueId(), view.getUniqueId()];
    const parsed: ParsedParts = {
      uid,
      shortname: shortnameOf(view, shortname, given, values, uid),
      identifiers: pick(values, definition.identifiers),
      attrs: { ...attrs, ...pick(values, compared) },
      refused,
      lists,
    };
    const isSame =
      uid === own &&
      refused === undefined &&
      lists.size === 0 &&
      parsed.shortname === view.getShortname() &&
      isDeepEqual(parsed.identifiers, ids) &&
      isDeepEqual(parsed.attrs, attrs);
    return isSame ? undefined : parsed;
  }

  /** Returns the child lists that name other unique ids in the target. */
  private listsOf(view: StoredView): ParsedParts['lists'] {
    if (!this.hasRenamed) return NO_LISTS;
    let lists: Map<string, readonly string[]> | undefined;
    const mapping = view.getChildrenMapping();
    for (const type of Object.keys(mapping)) {
      const names = this.renamed.get(type)?.inTarget;
      const field = mapping[type] as string;
      const uids = names === undefined ? [] : childUidsOf(view, field);
      if (!uids.some((uid) => names?.has(uid))) continue;
      (lists ??= new Map()).set(
        field,
        uids.map((uid) => names?.get(uid) ?? uid),
      );
    }
    return lists ?? NO_LISTS;
  }

  /** @throws DiffException where two objects of the source would be one in the target. */
  private noteNames(type: string, views: readonly StoredView[], parsed: readonly ObjectView[]): void {
    const owners = new Map<string, string>();
    const renamed: Renamed = { inTarget: new Map(), inSource: new Map() };
    for (const [at, view] of views.entries()) {
      const [own, uid] = [view.getUniqueId(), (parsed[at] as ObjectView).getUniqueId()];
      const other = owners.get(uid);
      if (other !== undefined) {
        throw new DiffException(
          `${this.src.name}: ${type} "${other}" and ${type} "${own}" are two objects there and would be one in ` +
            `${this.dst.name}, whose model makes the unique id "${uid}" of both; remove or rename one of them in the source`,
        );
      }
      owners.set(uid, own);
      if (uid === own) continue;
      renamed.inTarget.set(own, uid);
      renamed.inSource.set(uid, own);
    }
    if (renamed.inTarget.size === 0) this.renamed.delete(type);
    else this.renamed.set(type, renamed);
    this.hasRenamed = this.renamed.size > 0;
  }
}

const NO_LISTS: ParsedParts['lists'] = new Map();

/** Whether both classes make the same unique ids: of the same identifiers, which one schema validates. */
function sharesIdentity(src: ModelClass, dst: ModelClass): boolean {
  return (
    src === dst ||
    (src.definition.schema === dst.definition.schema &&
      src.createUniqueId === dst.createUniqueId &&
      src.prototype.getUniqueId === dst.prototype.getUniqueId &&
      src.prototype.getIdentifiers === dst.prototype.getIdentifiers &&
      isDeepEqual(src.definition.identifiers, dst.definition.identifiers))
  );
}

/** Whether the target's class may make another unique id of an object than the source's. Most schemas only refuse identifiers. */
function mayRename(src: ModelClass, dst: ModelClass): boolean {
  const { identifiers, schema } = dst.definition;
  if (overridesUniqueId(src, DiffSyncModel) || overridesUniqueId(dst, DiffSyncModel)) return true;
  if (!isDeepEqual(src.definition.identifiers, identifiers)) return true;
  const fields = fieldSchemasOf(schema);
  return !identifiers.every((name) => fields?.get(name)?.keepsValue === true);
}

/** Returns the unique id of the object that the class makes of these fields; undefined where it makes none. */
function uniqueIdIn(model: ModelClass, fields: object): string | undefined {
  try {
    const uid = uniqueIdOfParsed(model, fields);
    checkUniqueId(model.modelName, uid);
    return uid;
  } catch {
    return undefined; // The object cannot be in the target: its create says why.
  }
}

/** Returns the shortname with the parsed values; that of a class which makes its own stays. */
function shortnameOf(
  view: StoredView,
  fields: readonly string[],
  given: Readonly<Record<string, unknown>>,
  values: Readonly<Record<string, unknown>>,
  uid: string,
): string {
  const own = view.getShortname();
  const joined = (from: Readonly<Record<string, unknown>>): string =>
    fields.map((field) => String(from[field])).join('__');
  if (fields.length === 0) return own === view.getUniqueId() ? uid : own;
  return own === joined(given) ? joined({ ...given, ...values }) : own;
}

function pick(fields: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(fields, name)).map((name) => [name, fields[name]]));
}
