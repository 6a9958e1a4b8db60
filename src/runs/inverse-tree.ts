import { Diff, DiffElement } from '../diff/diff.js';
import type { ElementKind, ElementParts } from '../diff/compared-object.js';
import type { ChangedObject } from '../diff/diff-changes.js';
import type { Side } from '../engine/side.js';
import { secretAttributes } from '../model/secret-attributes.js';
import { setOwn } from '../values/own-property.js';
import type { RunChange, Unrestored } from './sync-run.js';

type Fields = Readonly<Record<string, unknown>>;

/** An element that takes a change back, or stands above some that do. */
export interface InverseNode extends ChangedObject {
  readonly element: DiffElement;
  /** The index of the node above; -1 at the top. */
  readonly above: number;
  /** What is taken back; undefined of a node above, and of a link that a recreated object had. */
  readonly change: RunChange | undefined;
}

/** The changes that take back those of a run, each at the place of the change. Changes come in the order of the run. */
export class InverseTree {
  readonly diff = new Diff();
  readonly nodes: InverseNode[] = [];
  /** What cannot be as it was before. */
  readonly unrestored: Unrestored[] = [];
  /** Place -> index. */
  private readonly places = new Map<string, number>();
  /** The paths of objects that the run has not created. */
  private readonly absent = new Set<string>();
  private readonly kinds = new Map<string, ElementKind<Diff>>();

  constructor(private readonly target: Side) {
    this.diff.terms = { source: target.name, target: target.name, flags: 0 };
    // Who else lists what the run has created, its changes do not say.
    this.diff.hidesParents = true;
  }

  /** Takes back one change, if it was made. A parent's comes before those of what is below it. */
  add(change: RunChange): void {
    const { model, uid, action, secrets } = change;
    if (change.result !== 'done') {
      this.noteUndone(change);
      return;
    }
    const names = secrets.join(', ');
    const lost = (reason: string): void => void this.unrestored.push({ model, uid, reason });
    if (action === 'link' || action === 'unlink') {
      const isLinked = action === 'link';
      this.insert(change, true, { source: isLinked ? null : {}, dest: isLinked ? {} : null });
    } else if (action === 'create') {
      this.insert(change, false, { dest: change.new ?? {} });
    } else if (action === 'update') {
      const old = change.old ?? {};
      if (secrets.length > 0) lost(`the history has no secret values, and so not the former ${names}`);
      if (Object.keys(old).length > 0) this.insert(change, false, { source: old, dest: change.new ?? {} });
      else if (secrets.length === 0) lost(change.message ?? 'the history does not have its former values');
    } else {
      const { record } = change;
      if (record === undefined) return lost('the history does not have what it was');
      if (secrets.length > 0) lost(`the history has no secret values, and so not its ${names}`);
      const source = this.attributesOf(model, record.data);
      const input = record.flags === undefined ? undefined : { flags: record.flags };
      this.insert(change, false, { source, input }, this.identifiersOf(model, record.data));
    }
  }

  /**
   * Returns what a recreated object listed before and is not created below it: what has stayed, or was removed without a change of
   * its own.
   */
  *formerChildren(): Generator<ChangedObject & { readonly above: number }, void, undefined> {
    for (const [above, { model, change, element }] of this.nodes.entries()) {
      if (element.action !== 'create' || element.linkOnly || change?.record === undefined) continue;
      const { data } = change.record;
      for (const [type, field] of Object.entries(this.target.modelClasses.get(model)?.getChildrenMapping() ?? {})) {
        const uids = data[field];
        for (const uid of Array.isArray(uids) ? new Set(uids.map(String)) : []) {
          if (this.actionAt(above, type, uid, false) === 'create') continue;
          if (this.actionAt(above, type, uid, true) === 'create') continue;
          yield { model: type, uid, above };
        }
      }
    }
  }

  /** Links an object below a recreated one. */
  link({ model, uid, above }: ChangedObject & { readonly above: number }): void {
    this.put({ model, uid }, above, true, { source: {}, dest: null }, {}, undefined);
  }

  /** Returns the action at a place; undefined where no node is, and null of a node above. */
  actionAt(above: number, model: string, uid: string, linkOnly: boolean): DiffElement['action'] | undefined {
    const at = this.places.get(placeOf(above, model, uid, linkOnly));
    return at === undefined ? undefined : (this.nodes[at] as InverseNode).element.action;
  }

  /** Notes what is not where the run wanted it, and links an object that has stayed where the run has only unlinked it. */
  private noteUndone(change: RunChange): void {
    const { action, unlinked, parents } = change;
    if (action === 'create') this.absent.add(pathOf([...parents, change]));
    if (unlinked === true) this.insert(change, true, { source: {}, dest: null });
  }

  private insert(change: RunChange, linkOnly: boolean, parts: ElementParts, keys: Fields = {}): void {
    const { parents } = change;
    let above = -1;
    for (const [at, parent] of parents.entries()) {
      // What is below it stands elsewhere.
      if (this.absent.size > 0 && this.absent.has(pathOf(parents.slice(0, at + 1)))) {
        above = -1;
        continue;
      }
      const known = this.places.get(placeOf(above, parent.model, parent.uid, false));
      above = known ?? this.put(parent, above, false, { source: {}, dest: {} }, {}, undefined);
    }
    this.put(change, above, linkOnly, parts, keys, change);
  }

  private put(
    { model, uid }: ChangedObject,
    above: number,
    linkOnly: boolean,
    parts: ElementParts,
    keys: Fields,
    change: RunChange | undefined,
  ): number {
    const element = DiffElement.of(this.kindOf(model, linkOnly), uid, keys, { ...parts, uid });
    const parent = this.nodes[above];
    if (parent === undefined) this.diff.add(element);
    else parent.element.addChild(element);
    const index = this.nodes.push({ model, uid, element, above, change }) - 1;
    this.places.set(placeOf(above, model, uid, linkOnly), index);
    return index;
  }

  private kindOf(type: string, linkOnly: boolean): ElementKind<Diff> {
    const key = `${String(linkOnly)} ${type}`;
    let kind = this.kinds.get(key);
    if (kind === undefined) {
      const { name, modelClasses } = this.target;
      const secret = secretAttributes(modelClasses.get(type));
      kind = { type, sourceName: name, destName: name, diffClass: Diff, linkOnly, ...(secret && { secret }) };
      this.kinds.set(key, kind);
    }
    return kind;
  }

  private identifiersOf(model: string, data: Fields): Fields {
    const identifiers = this.target.modelClasses.get(model)?.definition.identifiers ?? [];
    return pick(data, (name) => identifiers.includes(name));
  }

  /** Returns all fields that a create sets: child lists are made by the links. */
  private attributesOf(model: string, data: Fields): Fields {
    const definition = this.target.modelClasses.get(model)?.definition;
    const others = new Set([...(definition?.identifiers ?? []), ...Object.values(definition?.children ?? {})]);
    return pick(data, (name) => !others.has(name));
  }
}

function pick(data: Fields, isWanted: (name: string) => boolean): Fields {
  const picked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(data)) if (isWanted(name)) setOwn(picked, name, value);
  return picked;
}

function pathOf(objects: readonly ChangedObject[]): string {
  return JSON.stringify(objects.flatMap(({ model, uid }) => [model, uid]));
}

function placeOf(above: number, model: string, uid: string, linkOnly: boolean): string {
  return `${above} ${linkOnly ? 'link' : ''} ${model} ${uid}`;
}
