import type { DiffSyncModel } from '../../model/diffsync-model.js';
import type { BaseStore } from '../../store/base-store.js';
import { revisionOf } from '../../store/engine-access.js';
import { keyOf, type SyncNode, type SyncPlan } from './sync-plan.js';

/** Target objects are fetched for so many changes ahead, and for what they stand under. */
const WINDOW = 500;
/** Bounds what is held where few changes stand deep. */
const MAX_WINDOW = 5000;

/** The target's objects around the element that is worked on, as all done so far has left them. */
export class TargetCache {
  /** `type uid` -> object, or undefined for "not there". */
  private readonly objects = new Map<string, DiffSyncModel | undefined>();
  private end = 0;
  private last = -1;
  private revision = 0;
  /** Whether the work is at an element out of its turn; the window stays with those in their turn. */
  outOfOrder = false;

  constructor(
    private readonly store: BaseStore,
    private readonly nodes: SyncPlan,
  ) {}

  async get(node: SyncNode): Promise<DiffSyncModel | undefined> {
    const { index } = node;
    const key = keyOf(node);
    if (revisionOf(this.store) !== this.revision) this.objects.clear(); // A hook wrote to the store itself.
    if (!this.outOfOrder && index < this.last) this.end = 0; // The order of the work has gone back.
    if (!this.objects.has(key)) {
      if (index >= this.end && !this.outOfOrder) await this.fetchAhead(index);
      else await this.fetch([node]);
    }
    if (!this.outOfOrder) this.last = index;
    return this.objects.get(key);
  }

  set(node: SyncNode, model: DiffSyncModel | undefined): void {
    this.objects.set(keyOf(node), model);
  }

  private async fetchAhead(start: number): Promise<void> {
    const wanted: SyncNode[] = [];
    let index = start;
    let changes = 0;
    while (index < this.nodes.length && changes < WINDOW && wanted.length < MAX_WINDOW) {
      const node = this.nodes.nodeAt(index++);
      if (node === undefined) continue;
      if (node.action !== null) changes++;
      wanted.push(node, ...this.oldPlace(node));
    }
    this.end = index;
    this.objects.clear();
    await this.fetch(wanted);
  }

  /** What is looked at when an object that is created here has moved: its old parent, and what was below it. */
  private oldPlace(node: SyncNode): SyncNode[] {
    const old = node.action === 'create' ? this.nodes.moves.get(keyOf(node)) : undefined;
    if (old === undefined) return [];
    const parent = this.nodes.parentOf(old);
    const [, ...below] = this.nodes.within(old, WINDOW);
    return parent === undefined ? below : [parent, ...below];
  }

  private async fetch(nodes: readonly SyncNode[]): Promise<void> {
    const wanted = new Map<string, Map<string, SyncNode>>();
    for (const node of nodes) {
      const alike = wanted.get(node.element.type) ?? new Map<string, SyncNode>();
      wanted.set(node.element.type, alike.set(node.uid, node));
    }
    this.revision = revisionOf(this.store);
    for (const [type, alike] of wanted) {
      const models = await this.store.find({ model: type, uids: [...alike.keys()] });
      for (const [at, node] of [...alike.values()].entries()) this.set(node, models[at]);
    }
  }
}
