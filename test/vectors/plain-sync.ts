import { copyJson } from './recorded-models.js';
import type { HookCall, LogLine, ProgressEvent, RecordedModel, SyncCase, SyncFacts } from './recorded-cases.js';

/**
 * The facts of a diff, and of a sync in which every hook succeeds, restated on plain data: for cases in which the
 * reference fails or does something else, and a decision says that ours does not.
 */

type Elements = NonNullable<SyncFacts['diff']['elements']>;
type Dict = Readonly<Record<string, unknown>>;
type Data = Record<string, unknown>;
type Models = ReadonlyMap<string, RecordedModel>;

interface Side {
  readonly models: Models;
  readonly objects: ReadonlyMap<string, ReadonlyMap<string, Data>>;
}

/** An element of the diff with the objects that it stands for. */
interface Node {
  readonly type: string;
  readonly uid: string;
  readonly action: string | null;
  readonly data: Data;
  readonly attrs: Data;
  readonly parent: Node | undefined;
  readonly below: Node[];
}

export function own(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null && Object.hasOwn(object, key)
    ? (object as Record<string, unknown>)[key]
    : undefined;
}

/** Everything that a diff shows, from its elements and what differs in them. */
export function plainDiff(
  recorded: SyncCase,
  { elements, dict, modelsProcessed }: { elements: Elements; dict: Dict; modelsProcessed: number },
): SyncFacts['diff'] {
  const count = (wanted: string | null): number => elements.filter(([, , , action]) => action === wanted).length;
  const summary = {
    create: count('create'),
    update: count('update'),
    delete: count('delete'),
    'no-change': count(null),
  };
  const compared = summary.create + summary.delete + 2 * (summary.update + summary['no-change']);
  return {
    error: null,
    dict,
    summary: { ...summary, skip: modelsProcessed - compared },
    len: elements.length,
    hasDiffs: count(null) < elements.length,
    str: plainText(recorded, elements, dict),
    modelsProcessed,
    elements,
  };
}

/** The text of a diff in the order of its elements. */
export function plainText(recorded: SyncCase, elements: Elements, dict: Dict): string {
  const lines: string[] = [];
  const above: { entry: unknown; heading: string | undefined }[] = [{ entry: dict, heading: undefined }];
  for (const [depth, type, name] of elements) {
    above.length = depth + 1;
    const parent = above[depth] as { entry: unknown; heading: string | undefined };
    const entry = own(own(parent.entry, type), name);
    above.push({ entry, heading: undefined });
    if (entry === undefined) continue;
    const margin = ' '.repeat(4 * depth);
    if (parent.heading !== type) lines.push(`${margin}${type}`);
    parent.heading = type;
    const [plus, minus] = [own(entry, '+'), own(entry, '-')];
    const missing = plus === undefined ? ' MISSING in source' : minus === undefined ? ' MISSING in target' : '';
    lines.push(`${margin}  ${type}: ${name}${missing}`);
    if (missing !== '') continue;
    const fields = Object.keys(recorded.models.find((model) => model.name === type)?.fields ?? {});
    for (const field of fields.filter((each) => own(plus, each) !== undefined)) {
      lines.push(`${margin}    ${field}    source(${text(own(plus, field))})    target(${text(own(minus, field))})`);
    }
  }
  return lines.length === 0 ? '(no diffs)' : lines.join('\n');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The sync of this diff: all done, a moved object's delete before its create, and nothing left to do afterwards. */
export function plainSync(recorded: SyncCase, expected: SyncFacts): SyncFacts['sync'] {
  const { elements = [], dict, summary } = expected.diff;
  const sourceModels = new Map(recorded.models.map((model) => [model.name, model]));
  const models = new Map((recorded.targetModels ?? recorded.models).map((model) => [model.name, model]));
  const refused = (side: string, index: number): boolean =>
    expected.loadErrors?.some((each) => each.side === side && each.index === index) ?? false;
  const loaded = (side: 'source' | 'target', of: Models): Map<string, Map<string, Data>> =>
    load(
      recorded[side].filter((_, index) => !refused(side, index)),
      of,
    );
  const target = loaded('target', models);
  const src = { models: sourceModels, objects: loaded('source', sourceModels) };
  const nodes = locate(elements, dict, { src, dst: { models, objects: loaded('target', models) } });

  const calls: HookCall[] = [];
  const logs: LogLine[] = [];
  const done = new Set<Node>();
  const deletes = new Map(nodes.filter(({ action }) => action === 'delete').map((node) => [key(node), node]));
  const created = new Set(nodes.filter(({ action }) => action === 'create').map(key));
  const holdsMoved = (node: Node): boolean => created.has(key(node)) || node.below.some(holdsMoved);
  const run = (node: Node): void => {
    const moved = node.action === 'create' ? deletes.get(key(node)) : undefined;
    if (moved !== undefined) run(moved);
    if (done.has(node)) return;
    done.add(node);
    const childrenFirst = node.action === 'delete' && node.below.some(holdsMoved);
    if (childrenFirst) for (const child of node.below) run(child);
    if (node.action !== null) {
      const { call, lines } = apply(node, target, models);
      calls.push(call);
      logs.push(...lines);
    }
    for (const child of node.below) run(child);
  };
  for (const node of nodes) run(node);

  const before = expected.sync.logs?.slice(
    0,
    expected.sync.logs.findIndex(({ event }) => event === 'Beginning sync') + 1,
  );
  const all: LogLine[] = [...(before ?? []), ...logs, { level: 'info', event: 'Sync complete' }];
  const diffEvents = expected.sync.progress?.filter(([stage]) => stage === 'diff') ?? [];
  const progress = [...diffEvents, ...nodes.map((_, index): ProgressEvent => ['sync', index + 1, nodes.length])];
  const left = nodes.filter(({ action }) => action !== 'delete').length;
  return {
    error: null,
    calls,
    progress: expected.sync.progress === null ? null : progress,
    progressTail:
      expected.sync.progress === null
        ? [expected.progressDiffTail[0] + nodes.length, ['sync', nodes.length, nodes.length]]
        : [progress.length, progress.at(-1) ?? null],
    changedCallback: calls.length > 0,
    target: Object.fromEntries([...target].map(([model, objects]) => [model, Object.fromEntries(objects)])),
    order: Object.fromEntries([...target].map(([model, objects]) => [model, [...objects.keys()]])),
    ...(expected.sync.targetFlags === undefined ? {} : { targetFlags: expected.sync.targetFlags }),
    ...(expected.sync.targetStatus === undefined ? {} : { targetStatus: expected.sync.targetStatus }),
    logs: before === undefined ? null : all,
    summaryAfter: { create: 0, update: 0, delete: 0, 'no-change': left, skip: summary?.skip ?? 0 },
    sourceUnchanged: true,
  };
}

function load(objects: SyncCase['source'], models: Models): Map<string, Map<string, Data>> {
  const side = new Map<string, Map<string, Data>>();
  for (const { model, data } of objects) {
    const known = models.get(model);
    if (known === undefined) continue;
    const filled = fill(known, data);
    side.set(model, (side.get(model) ?? new Map<string, Data>()).set(uidOf(known, filled), filled));
  }
  return side;
}

function fill({ fields }: RecordedModel, data: Dict): Data {
  return Object.fromEntries(
    Object.entries(fields).map(([field, { default: fallback }]) => [
      field,
      copyJson(Object.hasOwn(data, field) ? data[field] : (fallback ?? null)),
    ]),
  );
}

function uidOf({ identifiers }: RecordedModel, data: Dict): string {
  return identifiers.map((field) => String(data[field])).join('__');
}

/** Which objects the elements stand for: found by their names among the children of their parents. */
function locate(elements: Elements, dict: unknown, sides: { src: Side; dst: Side }): Node[] {
  const nodes: Node[] = [];
  const above: { node: Node | undefined; entry: unknown }[] = [{ node: undefined, entry: dict }];
  for (const [depth, type, name, action] of elements) {
    above.length = depth + 1;
    const { node: parent, entry: parentEntry } = above[depth] as (typeof above)[number];
    const entry = own(own(parentEntry, type), name);
    const { models, objects } = sides[action === 'delete' ? 'dst' : 'src'];
    const { shortname } = models.get(type) as RecordedModel;
    const field = parent && models.get(parent.type)?.children[type];
    const parentData = parent && objects.get(parent.type)?.get(parent.uid);
    const listed = field === undefined ? undefined : (parentData?.[field] as readonly string[] | undefined);
    const found = [...(objects.get(type) ?? [])].find(
      ([uid, data]) =>
        (listed?.includes(uid) ?? true) &&
        (shortname.length === 0 ? uid : shortname.map((each) => String(data[each])).join('__')) === name,
    );
    if (found === undefined) throw new Error(`no object for element ${type} ${name}`);
    const attrs = { ...(own(entry, '+') as Data | undefined) };
    const node: Node = { type, uid: found[0], data: found[1], action, attrs, parent, below: [] };
    parent?.below.push(node);
    nodes.push(node);
    above.push({ node, entry });
  }
  return nodes;
}

function apply(
  { type, uid, action, data, attrs, parent }: Node,
  target: Map<string, Map<string, Data>>,
  models: Models,
): { call: HookCall; lines: LogLine[] } {
  const model = models.get(type) as RecordedModel;
  const on = action as HookCall['on'];
  const field = parent && models.get(parent.type)?.children[type];
  const siblings =
    field === undefined
      ? undefined
      : (target.get(parent?.type ?? '')?.get(parent?.uid ?? '')?.[field] as string[] | undefined);
  const objects = target.get(type) ?? new Map<string, Data>();
  if (on === 'create') {
    const ids = Object.fromEntries(model.identifiers.map((each) => [each, data[each]]));
    target.set(type, objects.set(uid, fill(model, { ...ids, ...attrs })));
    siblings?.push(uid);
    return { call: { on, model: type, uniqueId: uid, ids, attrs }, lines: lines(on, type, uid, 'Created') };
  }
  if (on === 'update') {
    Object.assign(objects.get(uid) ?? {}, copyJson(attrs));
    return { call: { on, model: type, uniqueId: uid, attrs }, lines: lines(on, type, uid, 'Updated') };
  }
  objects.delete(uid);
  if (objects.size === 0) target.delete(type);
  siblings?.splice(siblings.indexOf(uid), 1);
  return { call: { on, model: type, uniqueId: uid, attrs: {} }, lines: lines(on, type, uid, 'Deleted') };
}

function lines(action: string, model: string, uniqueId: string, word: string): LogLine[] {
  const about = { action, model, uniqueId };
  return [
    { level: 'debug', event: `Attempting model ${action}`, ...about },
    { level: 'info', event: `${word} successfully`, ...about, status: 'success' },
  ];
}

function key({ type, uid }: Node): string {
  return JSON.stringify([type, uid]);
}
