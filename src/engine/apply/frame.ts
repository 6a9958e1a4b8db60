import { DiffSyncModelFlags } from '../../flags.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import type { ObjectSnapshot } from '../../store/engine-access.js';
import type { AtomicSubtree } from './atomic-subtrees.js';
import type { Fault, SyncNode } from './sync-plan.js';

/** A node that is met, and the parent's object. */
export interface FoundNode {
  readonly node: SyncNode;
  readonly parent: DiffSyncModel | undefined;
}

/** A node that is being applied. */
export interface Frame extends FoundNode {
  /** The target's object, once it exists. */
  model: DiffSyncModel | undefined;
  /** Why the hook is not called: the object fails with it. */
  fault: Fault | undefined;
  /** Of an update, the object before its hook is called. */
  before?: ObjectSnapshot;
  /** Whether the object and everything below it are deleted in one batch of the store. */
  atomic?: boolean;
  /** Set for such a delete once it is done; closed when everything below it is done. */
  subtree?: AtomicSubtree;
}

/** Whether the object is deleted with everything below it, and no other hook is called. */
export function skipsChildren({ node, model }: Pick<Frame, 'node' | 'model'>): boolean {
  return (
    node.action === 'delete' &&
    ((model?.modelFlags ?? DiffSyncModelFlags.NONE) & DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE) !== 0
  );
}

/** Whether an object is deleted after its children. */
export function isDeletedLast(frame: Pick<Frame, 'node' | 'model'>): boolean {
  const { node, model } = frame;
  const flags = model?.modelFlags ?? DiffSyncModelFlags.NONE;
  const natural = node.aboveMove || (flags & DiffSyncModelFlags.NATURAL_DELETION_ORDER) !== 0;
  return node.action === 'delete' && natural && !skipsChildren(frame);
}
