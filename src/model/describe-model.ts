import { AsyncLocalStorage } from 'node:async_hooks';
import { yieldIfDue } from '../async/event-loop.js';
import { withoutSecrets } from '../values/secret.js';
import { quotedValue } from '../values/value-text.js';
import { visibleText } from '../values/visible-text.js';
import { childUids } from './model-fields.js';
import type { ModelConstructor, ModelInstance } from './model-types.js';
import { secretAttributes } from './secret-attributes.js';

/** An object that is described: by its class's `str`, if it has one of its own. */
interface Described extends ModelInstance {
  str(includeChildren: boolean, indent: number): Promise<string>;
}

/** Where the children of a described object are read. */
interface ChildSource {
  getOrNone(model: string, identifier: string): Promise<Described | null>;
}

/** How objects are described. */
export interface Description {
  /** Where children are read; undefined for an object of no adapter. */
  readonly adapter: ChildSource | undefined;
  readonly includeChildren: boolean;
  /** The `str` of every model. */
  readonly str: Described['str'];
  /** What is described already. */
  readonly shown: ShownObjects;
}

/** The objects of one text, as `type uid`. */
export class ShownObjects {
  readonly all = new Set<string>();
  /** Those that contain what is described now. */
  readonly above = new Set<string>();
}

/** The text that a class's own `str` is called for: what that calls in turn belongs to it too. */
const texts = new AsyncLocalStorage<ShownObjects>();

/** Returns the objects of the text that is being made; of a new text if none is. */
export function shownObjects(): ShownObjects {
  return texts.getStore() ?? new ShownObjects();
}

/** Children of one object that are read at once. */
const READ_AT_ONCE = 1000;

/** An object whose children are described. */
interface OpenObject {
  readonly key: string;
  readonly indent: number;
  readonly lists: Iterator<ChildList>;
  list: ChildList | undefined;
}

interface ChildList {
  readonly type: string;
  readonly field: string;
  readonly uids: readonly string[];
  /** The index of the next child. */
  at: number;
  /** The children that are read, by index from the end of the last page on. */
  page: readonly (Described | null)[];
}

/**
 * Yields the text of `DiffSyncModel.str` line by line, or several lines at once: an object's attributes, and its children as the
 * adapter has them. Each object is described once; where it occurs again its unique id stands with the reason. It walks without
 * recursion, and yields to the event loop.
 */
export async function* describeModel(
  model: Described,
  description: Description,
  indent: number,
): AsyncGenerator<string, void, undefined> {
  const { adapter, shown } = description;
  const open: OpenObject[] = [begin(model, description, indent)];
  yield titleOf(model, indent);
  try {
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const { list } = top;
      const margin = ' '.repeat(top.indent);
      if (list === undefined || list.at === list.uids.length) {
        top.list = nextList(top);
        if (top.list === undefined) shown.above.delete((open.pop() as OpenObject).key);
        else yield headingOf(top.list, margin);
        continue;
      }
      const next = yieldIfDue();
      if (next !== undefined) await next;
      const inPage = list.at % READ_AT_ONCE;
      if (inPage === 0) list.page = await readPage(adapter, list);
      const [uid, child] = [list.uids[list.at++] as string, list.page[inPage] ?? null];
      const note = noteOf(`${list.type} ${uid}`, shown);
      if (child === null) yield `${margin}    ${visibleText(uid)} (ERROR: details unavailable)`;
      else if (note !== undefined) yield `${margin}    ${list.type}: ${visibleText(uid)} (${note})`;
      else if (child.str !== description.str) yield await ownText(child, shown, top.indent + 4);
      else {
        open.push(begin(child, description, top.indent + 4));
        yield titleOf(child, top.indent + 4);
      }
    }
  } finally {
    for (const { key } of open) shown.above.delete(key);
  }
}

/** Returns the text of an object whose class has a `str` of its own. */
export async function ownText(model: Described, shown: ShownObjects, indent: number): Promise<string> {
  const text = await texts.run(shown, () => model.str(true, indent));
  shown.all.add(`${model.getType()} ${model.getUniqueId()}`);
  return text;
}

function begin(model: Described, { adapter, includeChildren, shown }: Description, indent: number): OpenObject {
  const key = `${model.getType()} ${model.getUniqueId()}`;
  shown.all.add(key);
  shown.above.add(key);
  const lists = Object.entries(model.getChildrenMapping()).map(([type, field]): ChildList => {
    const uids = childUids(model, field);
    const isClosed = uids.length === 0 || adapter === undefined || !includeChildren;
    return isClosed
      ? { type, field, uids, at: uids.length, page: [] }
      : { type, field, uids: [...new Set(uids)], at: 0, page: [] };
  });
  return { key, indent, lists: lists[Symbol.iterator](), list: undefined };
}

function nextList({ lists }: OpenObject): ChildList | undefined {
  const { done, value } = lists.next();
  return done === true ? undefined : value;
}

function titleOf(model: Described, indent: number): string {
  const uid = visibleText(model.getUniqueId());
  return `${' '.repeat(indent)}${model.getType()}: ${uid}: ${quotedValue(withoutSecrets(model.getAttrs(), secretAttributes(classOf(model))))}`;
}

function classOf(model: Described): ModelConstructor {
  return model.constructor as ModelConstructor;
}

/** A list of which no child is described shows their unique ids. */
function headingOf({ field, uids, at }: ChildList, margin: string): string {
  return at === uids.length ? `${margin}  ${field}: ${quotedValue(uids)}` : `${margin}  ${field}`;
}

async function readPage(adapter: ChildSource | undefined, { type, uids, at }: ChildList): Promise<ChildList['page']> {
  if (adapter === undefined) return [];
  // Reads that begin together are one call of a store.
  return Promise.all(uids.slice(at, at + READ_AT_ONCE).map((uid) => adapter.getOrNone(type, uid)));
}

/** Returns why an object is not described again; undefined where it is not described yet. */
function noteOf(key: string, { all, above }: ShownObjects): string | undefined {
  if (above.has(key)) return 'a cycle: it is above itself';
  return all.has(key) ? 'shown above' : undefined;
}
