import type { DiffElement } from '../../diff/diff.js';

/** Whether an element has a change. One whose comparison throws may have one, and is looked at again. */
export function isOpen(element: DiffElement): boolean {
  try {
    return element.action !== null;
  } catch {
    return true;
  }
}
