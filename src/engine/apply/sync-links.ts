import { DiffSyncStatus } from '../../flags.js';
import { DiffSyncModel, settleLists } from '../../model/diffsync-model.js';
import type { ChildLink } from '../../store/dangling-links.js';
import { deferLink, unlinkMissing } from '../../store/engine-access.js';
import { checkAborted, type Side } from '../side.js';
import { callEach } from './call-each.js';
import type { FilterAnswers } from './filter-answers.js';
import type { FoundNode, Frame } from './frame.js';
import { LinkCycles } from './link-cycles.js';
import type { SyncNode, SyncPlan } from './sync-plan.js';
import type { SyncReport } from './sync-report.js';
import type { TargetCache } from './target-cache.js';

/** A link that is made or removed now. */
interface LinkWork extends FoundNode {
  readonly parent: DiffSyncModel;
  readonly child: DiffSyncModel;
}

/** What came of a hook: it threw, or not. */
type LinkOutcome = { readonly error: unknown } | { readonly error?: never };

/** How links are applied. */
interface ApplyLinksOptions {
  readonly isLast?: boolean;
  /** Not given where what a hook did is still to be saved. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes and removes the links of link-only elements. A link whose object is created in the same diff waits for it, and an
 * object that is deleted is unlinked first.
 */
export class SyncLinks {
  /** The objects that are created in this diff and are not settled, by `type uid`. */
  private readonly uncreated = new Set<string>();
  /** Links that wait for their object. */
  private readonly waiting = new Map<string, FoundNode[]>();
  /** Links to be removed. */
  private readonly unlinks = new Map<string, SyncNode[]>();
  /** Objects of which a surplus link could not be removed -> the parent that lists them. */
  private readonly stillListed = new Map<string, string>();
  private readonly done = new Set<SyncNode>();
  /** Links that would close a cycle as long as others are not removed. */
  private readonly closing: SyncNode[] = [];
  /** The links that were made. */
  private readonly made = new Map<ChildLink, SyncNode>();
  private readonly cycles: LinkCycles;
  /** Whether the diff has no link-only elements, as most diffs. */
  readonly isEmpty: boolean;

  /** @param keepsLinks whether the target may have links, at some time of the sync, that the source does not have. */
  constructor(
    private readonly plan: SyncPlan,
    private readonly dst: Side,
    private readonly cache: TargetCache,
    private readonly filter: FilterAnswers,
    private readonly report: SyncReport,
    private readonly concurrency: number,
    private readonly keepsLinks: boolean,
  ) {
    this.cycles = new LinkCycles(dst);
    const nodes = plan.nodes;
    const links = nodes.filter(({ element }) => element.linkOnly);
    this.isEmpty = links.length === 0;
    if (this.isEmpty) return;
    for (const node of nodes) {
      if (node.action === 'create' && !node.element.linkOnly) this.uncreated.add(node.key);
    }
    for (const node of links) {
      if (node.action !== 'delete') continue;
      const known = this.unlinks.get(node.key);
      if (known === undefined) this.unlinks.set(node.key, [node]);
      else known.push(node);
    }
  }

  /**
   * Applies link-only elements as far as they are wanted and can be applied yet.
   * @param options `isLast`: whether no other link is removed after these; `signal`: ends the work between two links.
   * @throws the first failure that ends the sync, after all that was done is saved; SyncAborted.
   */
  async apply(found: readonly FoundNode[], options: ApplyLinksOptions = {}): Promise<void> {
    const { isLast = false, signal } = options;
    const nodes = found.map(({ node }) => node);
    await this.cache.load(nodes, signal);
    const ready: LinkWork[] = [];
    for (const each of found) {
      checkAborted(signal);
      const { node } = each;
      if (this.done.has(node)) continue;
      if (node.action === 'create' && this.uncreated.has(node.key)) {
        const others = this.waiting.get(node.key);
        if (others === undefined) this.waiting.set(node.key, [each]);
        else others.push(each);
        continue;
      }
      this.done.add(node);
      if (!(await this.filter.isWanted(node))) {
        this.noteListed(node);
        continue;
      }
      if (await this.isParentGone(node)) continue;
      const child = await this.cache.aside(node);
      if (child === undefined || each.parent === undefined) this.leaveOutAbsent(node);
      else if (await this.closesCycle(node, each.parent, child)) this.postpone(node, isLast);
      else ready.push({ node, parent: each.parent, child });
    }
    await this.run(ready, signal);
  }

  /** Makes the links that wait for an object, which is created now, or never. */
  async settleCreates(nodes: readonly SyncNode[]): Promise<void> {
    const found: FoundNode[] = [];
    for (const node of nodes) {
      this.uncreated.delete(node.key);
      for (const each of this.waiting.get(node.key) ?? []) found.push(each);
      this.waiting.delete(node.key);
    }
    if (found.length > 0) await this.apply(found);
  }

  /** Settles the links that still wait: their objects were not created. */
  async finish(): Promise<void> {
    this.uncreated.clear();
    const found = [...this.waiting.values()].flat();
    this.waiting.clear();
    if (found.length > 0) await this.apply(found);
    if (this.closing.length > 0) await this.apply(await this.withParents(this.closing), { isLast: true });
  }

  /** Takes back the links to objects that another process has removed meanwhile. Called once all is saved. */
  async takeBackLost(): Promise<void> {
    for (const link of await unlinkMissing(this.dst.store, [...this.made.keys()])) {
      this.report.leaveOut(this.made.get(link) as SyncNode, `${this.dst.name} does not have the object any more`);
    }
  }

  /**
   * Removes the links of objects to their parents in the diff, though the objects stay.
   * @throws the first failure that ends the sync.
   */
  async unlinkKept(frames: readonly Frame[]): Promise<void> {
    const links: LinkWork[] = [];
    for (const { node, parent, model } of frames) {
      const isParentDeleted = this.plan.parentOf(node)?.action === 'delete';
      if (parent !== undefined && model !== undefined && !isParentDeleted) links.push({ node, parent, child: model });
    }
    await this.run(links);
  }

  /** Removes the surplus links of objects, before they are deleted. */
  async unlinkFirst(objects: readonly SyncNode[]): Promise<void> {
    await this.unlink(objects.flatMap((node) => this.unlinks.get(node.key) ?? []));
  }

  /** Returns a parent, as `type uid`, of which a surplus link could not be removed: what it lists must not be deleted. */
  stillListedBy(object: SyncNode): string | undefined {
    return this.stillListed.get(object.key);
  }

  /**
   * Removes the surplus links of and below an object that is deleted with everything below it: what they link stays, or is
   * deleted with it.
   */
  async unlinkAround(node: SyncNode): Promise<void> {
    if (this.isEmpty) return;
    const below = [...this.plan.subtree(node)];
    await this.unlink(below.filter(({ element }) => element.linkOnly));
    await this.unlinkFirst(below.filter(({ element }) => !element.linkOnly));
  }

  private async unlink(nodes: readonly SyncNode[]): Promise<void> {
    const open = nodes.filter((node) => !this.done.has(node));
    if (open.length > 0) await this.apply(await this.withParents(open));
  }

  private async withParents(nodes: readonly SyncNode[]): Promise<FoundNode[]> {
    const above = nodes.map((node) => this.plan.parentOf(node));
    await this.cache.load(above.filter((node) => node !== undefined));
    const found: FoundNode[] = [];
    for (const [at, node] of nodes.entries()) {
      const parent = above[at];
      found.push({ node, parent: parent && (await this.cache.aside(parent)) });
    }
    return found;
  }

  private async closesCycle({ action }: SyncNode, parent: DiffSyncModel, child: DiffSyncModel): Promise<boolean> {
    return this.keepsLinks && action === 'create' && (await this.cycles.closes(parent, child));
  }

  /** Leaves a link until all others are removed, or out. */
  private postpone(node: SyncNode, isLast: boolean): void {
    if (isLast) {
      const reason = `${this.dst.name} has the parent below the object, by a link that was not removed`;
      this.report.leaveOut(node, reason);
      return;
    }
    this.done.delete(node);
    this.closing.push(node);
  }

  /** Whether the parent is deleted, so that nothing is left to unlink. */
  private async isParentGone(node: SyncNode): Promise<boolean> {
    const above = node.action === 'delete' ? this.plan.parentOf(node) : undefined;
    if (above?.action !== 'delete' || (await this.cache.aside(above)) !== undefined) return false;
    this.report.setStatus(node, DiffSyncStatus.SUCCESS, 'Unlinked with its parent');
    return true;
  }

  private noteListed(node: SyncNode): void {
    const above = node.action === 'delete' ? this.plan.parentOf(node) : undefined;
    if (above !== undefined) this.stillListed.set(node.key, above.key);
  }

  private leaveOutAbsent(node: SyncNode): void {
    this.report.leaveOut(node, `${this.dst.name} does not have the object, or not the parent`);
  }

  private async run(links: readonly LinkWork[], signal?: AbortSignal): Promise<void> {
    const goesOn = (outcome: LinkOutcome): boolean =>
      signal?.aborted !== true && (!('error' in outcome) || this.report.goesOnAfter(outcome.error));
    const outcomes = await callEach(links, this.concurrency, (link) => this.call(link), goesOn);
    let fatal: { readonly error: unknown } | undefined;
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome === undefined) continue;
      const link = links[at] as LinkWork;
      const failure = 'error' in outcome ? outcome : this.save(link);
      if (failure === undefined) continue;
      this.noteListed(link.node);
      const error = this.report.recordFailure(link.node, { error: failure.error });
      if (!this.report.goesOnAfter(error)) fatal ??= { error };
    }
    if (fatal !== undefined) throw fatal.error;
    if (outcomes.includes(undefined)) checkAborted(signal);
  }

  private async call({ node, parent, child }: LinkWork): Promise<LinkOutcome> {
    this.report.logAttempt(node);
    if (overridesLinks(parent)) settleLists(parent);
    try {
      await (node.action === 'create' ? parent.linkChild(child) : parent.unlinkChild(child));
      return {};
    } catch (error) {
      return { error };
    }
  }

  /** @returns what makes the link one that cannot be saved. */
  private save({ node, parent, child }: LinkWork): { readonly error: unknown } | undefined {
    try {
      deferLink(this.dst.store, parent, child, node.action === 'create');
    } catch (error) {
      return { error };
    }
    if (node.action === 'create') {
      const link = { model: parent.getType(), uniqueId: parent.getUniqueId() };
      this.made.set({ ...link, child: { model: child.getType(), uniqueId: child.getUniqueId() } }, node);
    }
    this.report.changed = true;
    const done = node.action === 'create' ? 'Linked successfully' : 'Unlinked successfully';
    this.report.setStatus(node, DiffSyncStatus.SUCCESS, done);
    this.report.advance(1);
    return undefined;
  }
}

function overridesLinks({ linkChild, unlinkChild }: DiffSyncModel): boolean {
  return linkChild !== DiffSyncModel.prototype.linkChild || unlinkChild !== DiffSyncModel.prototype.unlinkChild;
}
