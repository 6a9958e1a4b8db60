import type { DiffSyncModel, ModelHost } from '../../model/diffsync-model.js';
import type { BaseStore } from '../../store/base-store.js';
import { bindFor, revisionOf } from '../../store/engine-access.js';
import { keyOf, type SyncNode, type SyncPlan } from './sync-plan.js';

/** Target objects are prefetched for so many changes, with the objects above them. */
const PREFETCH_CHANGES = 500;
/** Bounds the objects in memory where few changes are deep in the tree. */
const MAX_PREFETCH = 5000;
/** Bounds the objects in memory where the order of the work is not that of the plan. */
const MAX_LOADED = 20_000;

/** Prefetches the target's objects around the node that is applied, as all changes so far have left them. */
export class TargetCache {
  /** By `type uid`; undefined for an object that the target does not have. */
  private readonly objects = new Map<string, DiffSyncModel | undefined>();
  /** The index behind the prefetched nodes. */
  private end = 0;
  private lastIndex = -1;
  private revision = 0;
  /** Whether nodes are applied out of order; then the prefetched nodes stay as they are. */
  outOfOrder = false;

  /** @param moves the deletes of objects that move, by `type uid`: see `findMoves`. */
  constructor(
    private readonly store: BaseStore,
    private readonly plan: SyncPlan,
    private readonly moves: ReadonlyMap<string, SyncNode>,
    private readonly host: ModelHost,
  ) {}

  async get(node: SyncNode): Promise<DiffSyncModel | undefined> {
    const { index } = node;
    const key = keyOf(node);
    if (revisionOf(this.store) !== this.revision) this.objects.clear(); // A hook wrote to the store itself.
    if (!this.outOfOrder && index < this.lastIndex) this.end = 0; // The order of the work has gone back.
    if (!this.objects.has(key)) {
      if (index >= this.end && !this.outOfOrder) await this.prefetch(index);
      else await this.fetch([node]);
    }
    if (!this.outOfOrder) this.lastIndex = index;
    return this.objects.get(key);
  }

  /** Returns an object out of order; what is fetched ahead stays as it is. */
  async aside(node: SyncNode): Promise<DiffSyncModel | undefined> {
    await this.load([node]);
    return this.objects.get(keyOf(node));
  }

  /** Fetches the objects of all these nodes that are not in memory. */
  async load(nodes: readonly SyncNode[]): Promise<void> {
    if (revisionOf(this.store) !== this.revision) this.objects.clear(); // A hook wrote to the store itself.
    let missing = nodes.filter((node) => !this.objects.has(keyOf(node)));
    if (missing.length === 0) return;
    if (missing.length > 1 && this.objects.size > MAX_LOADED) {
      this.objects.clear();
      missing = [...nodes];
    }
    await this.fetch(missing);
  }

  set(node: SyncNode, model: DiffSyncModel | undefined): void {
    this.objects.set(keyOf(node), model);
  }

  private async prefetch(start: number): Promise<void> {
    const nodes: SyncNode[] = [];
    let index = start;
    let changes = 0;
    while (index < this.plan.length && changes < PREFETCH_CHANGES && nodes.length < MAX_PREFETCH) {
      const node = this.plan.nodeAt(index++);
      if (node === undefined) continue;
      if (node.action !== null) changes++;
      nodes.push(node, ...this.oldNodes(node));
    }
    this.end = index;
    this.objects.clear();
    await this.fetch(nodes);
  }

  /** Returns the nodes that are read when a moved object is created: its old parent, and the nodes below its delete. */
  private oldNodes(node: SyncNode): SyncNode[] {
    const old = node.action === 'create' ? this.moves.get(keyOf(node)) : undefined;
    if (old === undefined) return [];
    const parent = this.plan.parentOf(old);
    const [, ...below] = this.plan.subtree(old, PREFETCH_CHANGES);
    return parent === undefined ? below : [parent, ...below];
  }

  private async fetch(nodes: readonly SyncNode[]): Promise<void> {
    const byType = new Map<string, Map<string, SyncNode>>();
    for (const node of nodes) {
      const byUid = byType.get(node.element.type) ?? new Map<string, SyncNode>();
      byType.set(node.element.type, byUid.set(node.uid, node));
    }
    this.revision = revisionOf(this.store);
    for (const [type, byUid] of byType) {
      const models = await this.store.find({ model: type, uids: [...byUid.keys()] });
      for (const [at, node] of [...byUid.values()].entries()) {
        const model = models[at];
        if (model !== undefined) bindFor(this.store, this.host, model);
        this.set(node, model);
      }
    }
  }
}
