import type { DiffElement } from '../../diff/diff.js';
import type { SyncFilter } from './sync-options.js';
import type { SyncNode } from './sync-plan.js';

/** Which changes are made: not those that are stale, nor those for which `syncFilter` returns false. It is asked once for each change, also where a change is looked at more than once. */
export class FilterAnswers {
  private readonly answers = new Map<SyncNode, boolean>();

  /** @param stale the changes that are stale -> why. */
  constructor(
    private readonly filter: SyncFilter | undefined,
    private readonly stale: ReadonlyMap<DiffElement, string> = new Map(),
  ) {}

  /** Whether any change may be left out. */
  get asks(): boolean {
    return this.filter !== undefined || this.stale.size > 0;
  }

  /** Returns whether to make the change of a node. */
  async isWanted(node: SyncNode): Promise<boolean> {
    const { element, action } = node;
    const reason = this.stale.get(element);
    if (reason !== undefined) {
      element.message = `Stale: ${reason}`;
      element.outcome = 'stale';
      return false;
    }
    // What fails anyway is reported, and its values cannot be compared.
    if (this.filter === undefined || action === null || node.fault !== undefined) return true;
    const known = this.answers.get(node);
    if (known !== undefined) return known;
    const diffs = element.getAttrsDiffs();
    const attrs = diffs['+'] ?? diffs['-'] ?? {};
    const wanted = await this.filter(action, element.type, { ...element.keys }, attrs);
    this.answers.set(node, wanted);
    if (!wanted) element.message = 'Left out by syncFilter';
    return wanted;
  }
}
