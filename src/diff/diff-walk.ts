import type { Diff } from './diff.js';
import type { DiffElement } from './diff-element.js';

/** An element and how deep it lies below the elements that the walk began with. */
export interface Step {
  readonly element: DiffElement;
  readonly parent: Step | undefined;
  readonly depth: number;
}

/** Each element before the ones below it, which by default come in the diff's order. */
export function* walk(
  roots: Iterable<DiffElement>,
  below = (element: DiffElement): readonly DiffElement[] => element.getChildren(),
): Generator<Step, void, undefined> {
  const stack: { parent: Step | undefined; rest: Iterator<DiffElement> }[] = [
    { parent: undefined, rest: roots[Symbol.iterator]() },
  ];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.rest.next();
    if (next.done === true) {
      stack.pop();
      continue;
    }
    const step: Step = { element: next.value, parent: top.parent, depth: stack.length - 1 };
    yield step;
    const children = below(next.value);
    if (children.length > 0) stack.push({ parent: step, rest: children[Symbol.iterator]() });
  }
}

/** As `walk`, in the order of `add`: what a copy is made from, which is then ordered by its own class. */
export function walkAdded(diff: Diff): Generator<Step, void, undefined> {
  return walk(diff.getAddedChildren(), (element) => element.getAddedChildren());
}

/** The elements that differ or have something below them that does. */
export function changedElements(steps: Iterable<Step>): ReadonlySet<DiffElement> {
  const changed = new Set<DiffElement>();
  for (const step of steps) {
    if (step.element.action === null) continue;
    for (let at: Step | undefined = step; at !== undefined && !changed.has(at.element); at = at.parent) {
      changed.add(at.element);
    }
  }
  return changed;
}
