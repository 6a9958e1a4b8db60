import { inspect } from 'node:util';
import type { Diff } from '../diff/diff.js';
import type { DiffElement } from '../diff/diff-element.js';
import { walk } from '../diff/tree.js';
import {
  DiffSyncError,
  ObjectCrudException,
  ObjectNotCreated,
  ObjectNotDeleted,
  ObjectNotUpdated,
  ObjectStoreWrongType,
  SyncHookError,
} from '../errors.js';
import { DiffSyncFlags, DiffSyncModelFlags, DiffSyncStatus, type DiffSyncAction } from '../flags.js';
import type { LogParams } from '../logging/logger.js';
import type { DiffSyncModel, ModelClass } from '../model/diffsync-model.js';
import { Progress, type ProgressCallback, type Side } from './side.js';

export interface SyncerOptions {
  readonly flags: DiffSyncFlags;
  readonly onProgress: ProgressCallback | undefined;
}

/** Target objects are fetched for so many elements ahead. */
const WINDOW = 500;

/** An element of the diff, at its place in depth-first order. */
interface Node {
  readonly element: DiffElement;
  readonly action: DiffSyncAction | null;
  readonly uid: string;
  readonly parent: number;
  /** The position behind the last element below this one. */
  end: number;
  /** Whether it, or anything below it, has something to do: else the target's object need not be looked at. */
  active: boolean;
}

/** An element that is being worked on; `model` is the target's object once there is one. */
interface Frame {
  readonly index: number;
  model: DiffSyncModel | undefined;
  /** Deleted after its children (NATURAL_DELETION_ORDER). */
  last: boolean;
  next: number;
}

/**
 * Applies a diff to the target: calls the models' hooks in the diff's order and saves what they did. Target objects are
 * fetched, and changes written, many at a time.
 */
export class Syncer {
  private readonly nodes: Node[] = [];
  private readonly progress: Progress;
  /** The target's objects around the current element: `type uid` -> object, or undefined for "not there". */
  private window = new Map<string, DiffSyncModel | undefined>();
  private windowEnd = 0;
  private revision = 0;
  /** Elements done out of their turn, because something had to wait for them. */
  private readonly done = new Set<number>();
  /** `type uid` -> the delete, not yet begun, of an object that is created elsewhere in the same diff: it has moved. */
  private readonly moves = new Map<string, number>();
  /** Whether the work is at an element out of its turn; the window stays with those in their turn. */
  private aside = false;
  private changed = false;

  constructor(
    private readonly diff: Diff,
    private readonly dst: Side,
    private readonly options: SyncerOptions,
  ) {
    this.flatten();
    this.progress = new Progress('sync', this.nodes.length, options.onProgress);
  }

  /** @returns whether anything was changed. @throws what a hook threw, once all that was done before it is saved. */
  async perform(): Promise<boolean> {
    const { store, logger } = this.dst;
    logger.info('Beginning sync');
    try {
      for (let index = 0; index < this.nodes.length; index = this.node(index).end) await this.run(index, undefined);
    } catch (error) {
      try {
        await store.flush();
      } catch (unsaved) {
        throw new DiffSyncError(
          `The sync into ${this.dst.name} failed, and what it had done before could not be saved`,
          {
            cause: new AggregateError([error, unsaved]),
          },
        );
      }
      throw error;
    }
    await store.flush();
    this.progress.finish();
    logger.info('Sync complete');
    return this.changed;
  }

  private flatten(): void {
    const above: number[] = [];
    const created = new Set<string>();
    const deleted = new Map<string, number>();
    for (const { element, depth } of walk(this.diff.getChildren())) {
      const index = this.nodes.length;
      for (const closed of above.splice(depth)) this.node(closed).end = index;
      const model = this.modelClass(element);
      const uid = model.createUniqueId(element.keys as never);
      const { action } = element;
      this.nodes.push({ element, action, uid, parent: above.at(-1) ?? -1, end: index + 1, active: action !== null });
      above.push(index);
      if (action === 'create') created.add(keyOf(element.type, uid));
      if (action === 'delete') deleted.set(keyOf(element.type, uid), index);
    }
    for (const open of above) this.node(open).end = this.nodes.length;
    for (let index = this.nodes.length - 1; index >= 0; index--) {
      const { active, parent } = this.node(index);
      if (active && parent >= 0) this.node(parent).active = true;
    }
    for (const key of created) {
      const index = deleted.get(key);
      if (index !== undefined) this.moves.set(key, index);
    }
  }

  /** One element and all below it, without recursion. */
  private async run(root: number, parent: DiffSyncModel | undefined): Promise<void> {
    const stack: Frame[] = [];
    const enter = async (index: number, above: DiffSyncModel | undefined): Promise<void> => {
      if (this.done.has(index)) return;
      const frame = await this.begin(index);
      if (frame.last || (await this.apply(frame, above))) stack.push(frame);
    };
    await enter(root, parent);
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const node = this.node(frame.index);
      if (frame.next < node.end) {
        const child = frame.next;
        frame.next = this.node(child).end;
        await enter(child, frame.model);
      } else {
        stack.pop();
        if (frame.last) await this.apply(frame, stack.at(-1)?.model ?? (frame.index === root ? parent : undefined));
      }
    }
  }

  private async begin(index: number): Promise<Frame> {
    const { active, action, element, uid } = this.node(index);
    if (action === 'delete') this.moves.delete(keyOf(element.type, uid));
    const frame: Frame = { index, model: undefined, last: false, next: index + 1 };
    if (!active) return frame;
    frame.model = await this.current(index);
    frame.model?.setStatus(DiffSyncStatus.UNKNOWN);
    const flags = frame.model?.modelFlags ?? DiffSyncModelFlags.NONE;
    frame.last =
      action === 'delete' &&
      (flags & DiffSyncModelFlags.NATURAL_DELETION_ORDER) !== 0 &&
      (flags & DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE) === 0;
    return frame;
  }

  /** Does what the element says to its own object. @returns whether its children are to be looked at. */
  private async apply(frame: Frame, parent: DiffSyncModel | undefined): Promise<boolean> {
    const node = this.node(frame.index);
    const { element, action, uid } = node;
    if (action === null) {
      this.logUnchanged(node);
      if (node.active && frame.model === undefined) return this.noObject(node);
      this.progress.advance(1);
      return true;
    }
    if (action === 'create') {
      checkLink(element, parent);
      await this.makeWay(frame);
    }
    const { store } = this.dst;
    const skipChildren = ((frame.model?.modelFlags ?? 0) & DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE) !== 0;
    const model = await this.callHook(node, frame.model);
    if (model === null) return this.noObject(node);
    this.changed = true;
    frame.model = model;
    if (action === 'create') {
      parent?.addChild(model);
      await store.deferAdd(model);
      this.window.set(keyOf(element.type, uid), model);
    } else if (action === 'update') {
      await store.deferUpdate(model);
    } else {
      parent?.removeChild(model);
      if (skipChildren) {
        await this.removeWithChildren(frame.index, model);
        return false;
      }
      this.window.set(keyOf(element.type, uid), undefined);
      await store.deferRemove(model);
    }
    this.progress.advance(1);
    return true;
  }

  private noObject(node: Node): false {
    this.dst.logger.warning('No object resulted from sync, will not process child objects.', about(node));
    return false;
  }

  /** An object that moved is deleted at its old place before it is created at the new one. */
  private async makeWay(frame: Frame): Promise<void> {
    const { element, uid } = this.node(frame.index);
    const key = keyOf(element.type, uid);
    const old = this.moves.get(key);
    if (old === undefined) return;
    this.moves.delete(key);
    this.aside = true;
    const { parent } = this.node(old);
    const parentModel = parent < 0 ? undefined : await this.current(parent);
    if (!(await this.isDroppedSilently(old))) {
      await this.run(old, parentModel);
    } else if (frame.model !== undefined) {
      parentModel?.removeChild(frame.model);
      await this.removeWithChildren(old, frame.model);
    }
    this.done.add(old);
    this.aside = false;
    frame.model = await this.current(frame.index);
  }

  /** Whether something above is deleted with SKIP_CHILDREN_ON_DELETE, so that this object's own hook is not to be called. */
  private async isDroppedSilently(index: number): Promise<boolean> {
    for (let at = this.node(index).parent; at >= 0 && this.node(at).action === 'delete'; at = this.node(at).parent) {
      const flags = (await this.current(at))?.modelFlags ?? DiffSyncModelFlags.NONE;
      if ((flags & DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE) !== 0) return true;
    }
    return false;
  }

  /** @returns the model, or null where the hook failed and the sync goes on. */
  private async callHook(node: Node, model: DiffSyncModel | undefined): Promise<DiffSyncModel | null> {
    const { element, uid } = node;
    const { logger } = this.dst;
    const action = node.action as DiffSyncAction;
    const lines = about(node);
    if (logger.isEnabled(2)) logger.debug(`Attempting model ${action}`, lines);
    try {
      const result = (await this.attempt(node, action, model)) ?? null;
      const [status, message] =
        result === null
          ? ([DiffSyncStatus.FAILURE, `${element.type} ${action} did not return the model object.`] as const)
          : result.getStatus();
      this.report(node, status, message);
      return result;
    } catch (error) {
      if (error instanceof ObjectCrudException) {
        this.report(node, DiffSyncStatus.ERROR, error.message);
        if ((this.options.flags & DiffSyncFlags.CONTINUE_ON_FAILURE) !== 0) return null;
        throw error;
      }
      const path: string[] = [];
      for (let at = node.parent; at >= 0; at = this.node(at).parent) {
        path.unshift(`${this.node(at).element.type} ${this.node(at).uid}`);
      }
      const where = path.length === 0 ? '' : ` below ${path.join(' / ')}`;
      const reason = error instanceof Error ? error.message : String(error);
      throw new SyncHookError(
        `${this.dst.name}: ${action} of ${element.type} "${uid}"${where} failed: ${reason}`,
        { adapter: this.dst.name, action, model: element.type, uniqueId: uid, path },
        { cause: error },
      );
    }
  }

  private async attempt(
    { element }: Node,
    action: DiffSyncAction,
    model: DiffSyncModel | undefined,
  ): Promise<DiffSyncModel | null | undefined> {
    const ids = { ...element.keys };
    const refused = (what: string): string =>
      `Failed to ${action} ${element.type} ${inspect(ids, { breakLength: Infinity })} - ${what}`;
    if (action === 'create') {
      if (model !== undefined) throw new ObjectNotCreated(refused('it already exists!'));
      const attrs = { ...element.getAttrsDiffs()['+'] };
      return this.modelClass(element).create({ adapter: this.dst, ids, attrs });
    }
    if (action === 'update') {
      if (model === undefined) throw new ObjectNotUpdated(refused('not found!'));
      return model.update({ ...element.getAttrsDiffs()['+'] });
    }
    if (model === undefined) throw new ObjectNotDeleted(refused('not found!'));
    return model.delete();
  }

  private report(node: Node, status: DiffSyncStatus, message: string): void {
    node.element.status = status;
    node.element.message = message;
    const { logger } = this.dst;
    if (status === DiffSyncStatus.SUCCESS) {
      if (logger.isEnabled(1)) logger.info(message, about(node, status));
    } else if (status === DiffSyncStatus.FAILURE) logger.warning(message, about(node, status));
    else logger.error(message, about(node, status));
  }

  private logUnchanged(node: Node): void {
    if ((this.options.flags & DiffSyncFlags.LOG_UNCHANGED_RECORDS) === 0) return;
    this.dst.logger.debug('No changes to apply; no action needed', about(node, DiffSyncStatus.SUCCESS));
  }

  /** Drops an object from the store, and all below it without calling their hooks. */
  private async removeWithChildren(index: number, model: DiffSyncModel): Promise<void> {
    const { store } = this.dst;
    await this.current(index); // A hook's own writes are noticed before those of this removal.
    await store.remove({ obj: model, removeChildren: true });
    this.revision = store.revision;
    for (let gone = index; gone < this.node(index).end; gone++) {
      const { element, uid } = this.node(gone);
      this.window.set(keyOf(element.type, uid), undefined);
      this.moves.delete(keyOf(element.type, uid));
    }
  }

  /** The target's object of an element, as all done so far has left it. */
  private async current(index: number): Promise<DiffSyncModel | undefined> {
    const { element, uid } = this.node(index);
    const key = keyOf(element.type, uid);
    if (this.dst.store.revision !== this.revision) this.window.clear(); // A hook wrote to the store itself.
    if (!this.window.has(key)) {
      if (index >= this.windowEnd && !this.aside) await this.fetchWindow(index);
      else await this.fetch([index]);
    }
    return this.window.get(key);
  }

  private async fetchWindow(start: number): Promise<void> {
    const wanted: number[] = [];
    let index = start;
    while (index < this.nodes.length && wanted.length < WINDOW) {
      if (this.node(index).active) wanted.push(index, ...this.oldPlace(index));
      index++;
    }
    this.windowEnd = index;
    this.window.clear();
    await this.fetch(wanted);
  }

  /** What is looked at when an object that is created here has moved: its old parent, and what was below it. */
  private oldPlace(index: number): number[] {
    const { action, element, uid } = this.node(index);
    const old = action === 'create' ? this.moves.get(keyOf(element.type, uid)) : undefined;
    if (old === undefined) return [];
    const { parent, end } = this.node(old);
    const places = parent < 0 ? [] : [parent];
    for (let below = old + 1; below < Math.min(end, old + WINDOW); below++) places.push(below);
    return places;
  }

  private async fetch(indexes: readonly number[]): Promise<void> {
    const wanted = new Map<string, Set<string>>();
    for (const index of indexes) {
      const { element, uid } = this.node(index);
      const uids = wanted.get(element.type);
      if (uids === undefined) wanted.set(element.type, new Set([uid]));
      else uids.add(uid);
    }
    this.revision = this.dst.store.revision;
    for (const [type, set] of wanted) {
      const uids = [...set];
      const models = await this.dst.store.find({ model: type, uids });
      for (const [at, uid] of uids.entries()) this.window.set(keyOf(type, uid), models[at]);
    }
  }

  private modelClass({ type }: DiffElement): ModelClass {
    const model = this.dst.modelClasses.get(type);
    if (model === undefined)
      throw new ObjectStoreWrongType(`${this.dst.name} has no model "${type}", which the diff names`);
    return model;
  }

  private node(index: number): Node {
    return this.nodes[index] as Node;
  }
}

/** Before a hook is called: the outside world is never changed for an object that cannot be linked. */
function checkLink({ type }: DiffElement, parent: DiffSyncModel | undefined): void {
  const mapping = parent?.getChildrenMapping();
  if (parent === undefined || mapping === undefined || Object.hasOwn(mapping, type)) return;
  const valid = Object.keys(mapping).toSorted().join(', ');
  throw new ObjectStoreWrongType(
    `Unable to store ${type} as a child of ${parent.getType()}; valid types are [${valid}]`,
  );
}

function keyOf(type: string, uid: string): string {
  return `${type} ${uid}`;
}

function about({ element, action, uid }: Node, status?: DiffSyncStatus): LogParams {
  const params = { action, model: element.type, uniqueId: uid, diffs: element.getAttrsDiffs() };
  return status === undefined ? params : { ...params, status };
}
