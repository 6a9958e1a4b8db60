import { Pace } from '../../async/event-loop.js';
import type { Diff, DiffElement } from '../../diff/diff.js';
import { walk } from '../../diff/diff-walk.js';
import { viewByUids } from '../../store/engine-access.js';
import { nestedTypes } from '../compare/partition.js';
import type { Side } from '../side.js';

type Action = 'create' | 'delete';

/**
 * Finds the creates and deletes of a part that are done already: of objects that parents of two parts lead to, of which the other part
 * was faster.
 * @returns the elements -> why they are left out.
 */
export async function findDoneByOthers(
  diff: Diff,
  source: Side,
  target: Side,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<DiffElement, string>> {
  const nested = nestedTypes([source, target]);
  const changes = { create: new Map<string, DiffElement>(), delete: new Map<string, DiffElement>() };
  const pace = new Pace();
  for (const { element } of walk(diff.getAddedChildren(), (each) => each.getAddedChildren())) {
    const due = pace.yieldIfDue();
    if (due !== undefined) await due;
    const { type, comparedUid, linkOnly, onlySide } = element;
    if (linkOnly || comparedUid === undefined || onlySide === undefined || !nested.has(type)) continue;
    changes[onlySide === 'source' ? 'create' : 'delete'].set(`${type} ${comparedUid}`, element);
  }
  const done = new Map<DiffElement, string>();
  const note = async (action: Action, isThere: boolean, reason: string): Promise<void> => {
    const other = action === 'create' ? 'delete' : 'create';
    // What moves within the part is one of both.
    const own = [...changes[action]].filter(([key]) => !changes[other].has(key)).map(([, element]) => element);
    const present = await presentOf(own, target, signal);
    for (const element of own) if (present.has(element) === isThere) done.set(element, `Left out: ${reason}`);
  };
  await note('create', true, 'another part has made it');
  await note('delete', false, 'another part has removed it');
  return done;
}

/** Returns those of the elements whose objects the target has. */
async function presentOf(
  elements: readonly DiffElement[],
  { store }: Side,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<DiffElement>> {
  const byType = new Map<string, Map<string, DiffElement>>();
  for (const element of elements) {
    const alike = byType.get(element.type) ?? new Map<string, DiffElement>();
    byType.set(element.type, alike.set(element.comparedUid ?? '', element));
  }
  const present = new Set<DiffElement>();
  for (const [type, alike] of byType) {
    for await (const page of viewByUids(store, type, [...alike.keys()], signal)) {
      for (const view of page) {
        const element = view && alike.get(view.getUniqueId());
        if (element !== undefined) present.add(element);
      }
    }
  }
  return present;
}
