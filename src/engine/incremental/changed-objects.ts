import type { Scope } from '../compare/scope.js';
import type { SideName } from '../compare/shared-children.js';
import type { Side } from '../side.js';
import type { Baseline, Cursors } from './baseline.js';
import { ObjectDigester } from './object-digest.js';
import { digestAll, digestSome, findChanged, MAX_CHANGES, type SourceDigests } from './source-digests.js';

/** Model -> unique ids of what was written; undefined where a side does not know it of every model. */
type Touched = ReadonlyMap<string, readonly string[]> | undefined;

/** What both sides say of their changes. */
export interface ChangedObjects {
  /** The moments of the answers: what is read afterwards has at least the changes of before. */
  readonly cursors: Readonly<Record<SideName, Cursors>>;
  /** The objects that a side has written since the baseline. */
  readonly touched: Readonly<Record<SideName, Touched>>;
  /** What the source's objects are now, where the source does not tell later what has changed since. */
  readonly digests: SourceDigests | undefined;
}

/** What is asked for. */
export interface ChangesContext {
  /** The models that are compared. */
  readonly types: ReadonlySet<string>;
  readonly scope: Scope;
  readonly signal: AbortSignal | undefined;
}

/** Finds what has changed on both sides since a baseline: as their stores tell, or by the digests of the source's objects. */
export async function findChanges(
  { src, dst }: Readonly<Record<SideName, Side>>,
  context: ChangesContext,
  baseline: Baseline | undefined,
): Promise<ChangedObjects> {
  const { types, scope, signal } = context;
  const [ours, theirs] = await Promise.all([
    askStore(src, types, baseline?.cursors.src, signal),
    askStore(dst, types, baseline?.cursors.dst, signal),
  ]);
  const cursors = { src: ours.cursors, dst: theirs.cursors };
  const isLasting = src.store.address !== undefined && isKnown(ours.cursors, types);
  // What is beside a target in memory ends with this process, to which a source in memory tells its changes itself.
  if (isLasting || dst.store.address === undefined || !isKnown(theirs.cursors, types)) {
    return { cursors, touched: { src: ours.touched, dst: theirs.touched }, digests: undefined };
  }
  const digester = new ObjectDigester(scope, dst);
  const before = baseline?.digests;
  const now =
    before === undefined || ours.touched === undefined ? await digestAll(src, types, digester, signal) : undefined;
  const touched = ours.touched ?? (before && now && (await findChanged(before, now)));
  let digests: SourceDigests;
  if (before !== undefined && touched !== undefined && before.changes.length < MAX_CHANGES) {
    const changes = await digestSome(src, touched, digester, signal);
    digests = { base: before.base, changes: [...before.changes, ...changes] };
  } else {
    digests = { base: now ?? (await digestAll(src, types, digester, signal)), changes: [] };
  }
  return { cursors, touched: { src: touched, dst: theirs.touched }, digests };
}

/**
 * Asks both stores again, once everything is read. A baseline goes on from these moments: had a store lost writes that were read, it
 * would not know them.
 * @returns the moments, what was written in between, and the digests with those of what the source has written; undefined where a
 *   store does not know that.
 */
export async function askAgain(
  { src, dst }: Readonly<Record<SideName, Side>>,
  { types, scope, signal }: ChangesContext,
  { cursors, digests }: ChangedObjects,
): Promise<
  (Pick<ChangedObjects, 'cursors' | 'digests'> & { readonly between: readonly NonNullable<Touched>[] }) | undefined
> {
  const [ours, theirs] = await Promise.all([
    askStore(src, types, cursors.src, signal),
    askStore(dst, types, cursors.dst, signal),
  ]);
  if (theirs.touched === undefined || (ours.touched === undefined && digests === undefined)) return undefined;
  const moments = { src: ours.cursors, dst: theirs.cursors };
  if (ours.touched === undefined) return { cursors: moments, digests, between: [theirs.touched] };
  const written = digests && (await digestSome(src, ours.touched, new ObjectDigester(scope, dst), signal));
  return {
    cursors: moments,
    digests: digests && { base: digests.base, changes: [...digests.changes, ...(written ?? [])] },
    between: [ours.touched, theirs.touched],
  };
}

/** Whether there is a cursor of every model. */
export function isKnown(cursors: Cursors, types: ReadonlySet<string>): boolean {
  return Object.keys(cursors).length === types.size;
}

async function askStore(
  { store }: Side,
  types: ReadonlySet<string>,
  since: Cursors | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly cursors: Cursors; readonly touched: Touched }> {
  const answers = await Promise.all(
    [...types].map(async (model) => {
      const cursor = since !== undefined && Object.hasOwn(since, model) ? since[model] : undefined;
      return [model, await store.changesSince({ model, cursor, signal })] as const;
    }),
  );
  const cursors: [string, string][] = [];
  const touched = new Map<string, readonly string[]>();
  for (const [model, { cursor, uids }] of answers) {
    if (cursor !== undefined) cursors.push([model, cursor]);
    if (uids !== undefined) touched.set(model, uids);
  }
  return { cursors: Object.fromEntries(cursors), touched: touched.size === types.size ? touched : undefined };
}
