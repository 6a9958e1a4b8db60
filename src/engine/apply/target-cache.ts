import type { DiffSyncModel, ModelHost } from '../../model/diffsync-model.js';
import { ObjectStoreException } from '../../errors.js';
import type { BaseStore } from '../../store/base-store.js';
import { bindFor, revisionOf } from '../../store/engine-access.js';
import type { Fault, SyncNode, SyncPlan } from './sync-plan.js';

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
  /** Objects that are stored and cannot be made, by `type uid`: what their classes have thrown. */
  private readonly faults = new Map<string, Fault>();
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

  /** Whether the object of the node that is applied next is in memory; else the caller fetches it with `advance`. */
  holds({ index, key }: SyncNode): boolean {
    this.dropOutdated();
    if (!this.outOfOrder) {
      if (index < this.lastIndex) this.end = 0; // The order of the work has gone back.
      this.lastIndex = index;
    }
    return this.objects.has(key);
  }

  /** Fetches the object of the node that is applied next, and those around it. @param signal ends the read. */
  async advance(node: SyncNode, signal: AbortSignal | undefined): Promise<void> {
    if (node.index >= this.end && !this.outOfOrder) await this.prefetch(node.index, signal);
    else await this.fetch([node], signal);
  }

  /** Returns an object that is in memory; undefined for one that the target does not have. */
  get(node: SyncNode): DiffSyncModel | undefined {
    return this.objects.get(node.key);
  }

  /** Returns an object out of order; what is fetched ahead stays as it is. */
  async aside(node: SyncNode): Promise<DiffSyncModel | undefined> {
    await this.load([node]);
    return this.get(node);
  }

  /**
   * Fetches the objects of all these nodes that are not in memory.
   * @param signal ends the read; not given where what a hook did is still to be saved.
   */
  async load(nodes: readonly SyncNode[], signal?: AbortSignal): Promise<void> {
    this.dropOutdated();
    let missing = nodes.filter((node) => !this.objects.has(node.key));
    if (missing.length === 0) return;
    if (missing.length > 1 && this.objects.size > MAX_LOADED) {
      this.objects.clear();
      missing = [...nodes];
    }
    await this.fetch(missing, signal);
  }

  /** Returns why there is no object of a node, although the store has one. */
  faultOf(node: SyncNode): Fault | undefined {
    return this.faults.size === 0 ? undefined : this.faults.get(node.key);
  }

  set(node: SyncNode, model: DiffSyncModel | undefined): void {
    this.objects.set(node.key, model);
  }

  private dropOutdated(): void {
    if (revisionOf(this.store) !== this.revision) this.objects.clear(); // A hook wrote to the store itself.
  }

  private async prefetch(start: number, signal: AbortSignal | undefined): Promise<void> {
    const nodes: SyncNode[] = [];
    let index = start;
    let changes = 0;
    while (index < this.plan.length && changes < PREFETCH_CHANGES && nodes.length < MAX_PREFETCH) {
      const node = this.plan.nodeAt(index++);
      if (node === undefined) continue;
      if (node.action !== null) changes++;
      nodes.push(node);
      for (const old of this.oldNodes(node)) nodes.push(old);
    }
    this.end = index;
    this.objects.clear();
    await this.fetch(nodes, signal);
  }

  /** Returns the nodes that are read when a moved object is created: its old parent, and the nodes below its delete. */
  private oldNodes(node: SyncNode): SyncNode[] {
    const old = node.action === 'create' ? this.moves.get(node.key) : undefined;
    if (old === undefined) return [];
    const parent = this.plan.parentOf(old);
    const [, ...below] = this.plan.subtree(old, PREFETCH_CHANGES);
    return parent === undefined ? below : [parent, ...below];
  }

  private async fetch(nodes: readonly SyncNode[], signal: AbortSignal | undefined): Promise<void> {
    const byType = new Map<string, Map<string, SyncNode>>();
    for (const node of nodes) {
      const byUid = byType.get(node.element.type) ?? new Map<string, SyncNode>();
      byType.set(node.element.type, byUid.set(node.uid, node));
    }
    this.revision = revisionOf(this.store);
    for (const [type, byUid] of byType) {
      const missing = [...byUid.values()];
      const models = await this.find(type, missing, signal);
      for (let at = 0; at < missing.length; at++) {
        const model = models[at];
        if (model !== undefined) bindFor(this.store, this.host, model);
        this.set(missing[at] as SyncNode, model);
      }
    }
  }

  private async find(
    model: string,
    nodes: readonly SyncNode[],
    signal: AbortSignal | undefined,
  ): Promise<(DiffSyncModel | undefined)[]> {
    try {
      return await this.store.find({ model, uids: nodes.map(({ uid }) => uid), signal });
    } catch (error) {
      if (error instanceof ObjectStoreException) throw error;
    }
    // The class has thrown for one of the objects: that one fails, and not those that are read with it.
    const models: (DiffSyncModel | undefined)[] = [];
    for (const node of nodes) models.push(await this.findOne(model, node, signal));
    return models;
  }

  private async findOne(
    model: string,
    node: SyncNode,
    signal: AbortSignal | undefined,
  ): Promise<DiffSyncModel | undefined> {
    try {
      const [found] = await this.store.find({ model, uids: [node.uid], signal });
      return found;
    } catch (error) {
      if (error instanceof ObjectStoreException) throw error;
      this.faults.set(node.key, { error });
      return undefined;
    }
  }
}
