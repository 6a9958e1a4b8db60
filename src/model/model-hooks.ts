import type { ObjectCrudException } from '../errors.js';
import type { DiffSyncModel } from './diffsync-model.js';

/** What a model may know of the adapter it belongs to. Narrow it to your own adapter class in your hooks. */
export interface ModelHost {
  readonly type: string;
  readonly name: string;
  getOrNone(model: string, identifier: string): Promise<DiffSyncModel | null>;
}

/** What `create` gets: the target's adapter, the identifiers, and the attributes that the source has. */
export interface CreateContext<Ids = Record<string, unknown>, Attrs = Record<string, unknown>, Host = ModelHost> {
  readonly adapter: Host;
  readonly ids: Ids;
  readonly attrs: Attrs;
}

/** What a bulk hook answers for each object: the model, null for "failed", or the error of this one. */
export type BulkResult = DiffSyncModel | ObjectCrudException | null;

/** What a bulk hook gets: the target's adapter, and siblings in the diff's order. */
export interface BulkContext<Item, Host = ModelHost> {
  readonly adapter: Host;
  readonly objects: readonly Item[];
}

/** One object of a `createBulk`. */
export interface CreateItem<Ids = Record<string, unknown>, Attrs = Record<string, unknown>> {
  readonly ids: Ids;
  readonly attrs: Attrs;
}

/** One object of an `updateBulk`: the target's object, not changed yet, and what is to be set. */
export interface UpdateItem<M = DiffSyncModel, Attrs = Record<string, unknown>> {
  readonly model: M;
  readonly attrs: Attrs;
}

/** One object of a `deleteBulk`. */
export interface DeleteItem<M = DiffSyncModel> {
  readonly model: M;
}
