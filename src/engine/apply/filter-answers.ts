import type { SyncFilter } from './sync-options.js';
import type { SyncNode } from './sync-plan.js';

/** What `syncFilter` answers. It is asked once for each change, also where a change is looked at more than once. */
export class FilterAnswers {
  private readonly answers = new Map<SyncNode, boolean>();

  constructor(private readonly filter: SyncFilter | undefined) {}

  /** Whether there is a filter; without one every change is made. */
  get asks(): boolean {
    return this.filter !== undefined;
  }

  /** Returns whether to make the change of a node. */
  async isWanted(node: SyncNode): Promise<boolean> {
    const { element, action } = node;
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
