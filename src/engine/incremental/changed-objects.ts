import type { SideName } from '../compare/shared-children.js';
import type { Side } from '../side.js';
import type { Baseline, Cursors } from './baseline.js';

/** What both sides say of their changes. */
export interface ChangedObjects {
  /** The moments of the answers: what is read afterwards has at least the changes of before. */
  readonly cursors: Readonly<Record<SideName, Cursors>>;
  /** The objects that a side has written since the baseline; undefined where a side does not know it of every model. */
  readonly touched: Readonly<Record<SideName, ReadonlyMap<string, readonly string[]> | undefined>>;
}

/** Asks both stores what has changed since a baseline. @param types - the models that are compared. */
export async function askForChanges(
  sides: Readonly<Record<SideName, Side>>,
  types: readonly string[],
  baseline: Baseline | undefined,
  signal: AbortSignal | undefined,
): Promise<ChangedObjects> {
  const [src, dst] = await Promise.all([
    askOne(sides.src, types, baseline?.cursors.src, signal),
    askOne(sides.dst, types, baseline?.cursors.dst, signal),
  ]);
  return {
    cursors: { src: src.cursors, dst: dst.cursors },
    touched: { src: src.touched, dst: dst.touched },
  };
}

async function askOne(
  { store }: Side,
  types: readonly string[],
  since: Cursors | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly cursors: Cursors; readonly touched: ReadonlyMap<string, readonly string[]> | undefined }> {
  const answers = await Promise.all(
    types.map(async (model) => {
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
  return { cursors: Object.fromEntries(cursors), touched: touched.size === types.length ? touched : undefined };
}
