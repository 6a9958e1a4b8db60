import { z } from 'zod';
import { DiffSyncModel } from '../../src/index.js';
import { RedisStore } from '../../src/store/redis/index.js';

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string(), size: z.number().default(0) }),
  identifiers: ['name'],
  attributes: ['role', 'size'],
}) {}

export type WriteKind = 'add' | 'addMany' | 'update' | 'updateMany' | 'remove' | 'removeMany' | 'updateOr';

/** A store whose writes are chosen by name. */
export class CountingStore extends RedisStore {
  /** By the compare-and-set that `updateOr…` are made of. */
  async increment(uid: string): Promise<void> {
    await this.modifyRecords('device', [uid], (_, current) => {
      if (current === undefined) return undefined;
      return { ...current, data: { ...current.data, size: Number(current.data['size']) + 1 } };
    });
  }

  /** @param objs one, but for `…Many`. */
  async act(kind: WriteKind, objs: readonly Device[]): Promise<void> {
    const obj = objs[0] as Device;
    switch (kind) {
      case 'add':
        return this.add({ obj });
      case 'addMany':
        return this.addMany({ objs });
      case 'update':
        return this.update({ obj });
      case 'updateMany':
        return this.updateMany({ objs });
      case 'remove':
        return this.remove({ obj });
      case 'removeMany':
        return this.removeMany({ objs });
      case 'updateOr': {
        const { name, role } = obj;
        await this.updateOrInstantiate({ model: Device, ids: { name }, attrs: { role } });
      }
    }
  }
}
