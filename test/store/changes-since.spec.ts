import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { DiffSyncModel, LocalStore } from '../../src/index.js';
import { KEPT_CHANGES } from '../../src/store/change-log.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

const device = (name: string, role = ''): Device => new Device({ name, role });

describe('changesSince() of a LocalStore', () => {
  it('names what each kind of write has written since a cursor', async () => {
    const store = new LocalStore();
    await store.addMany({ objs: [device('kept'), device('changed'), device('removed'), device('set')] });
    const { cursor, uids } = await store.changesSince({ model: Device });
    expect(uids).toBeUndefined();

    await store.add({ obj: device('added') });
    await store.add({ obj: device('kept') });
    await store.update({ obj: device('changed', 'leaf') });
    await store.remove({ obj: device('removed') });
    await store.updateOrInstantiate({ model: Device, ids: { name: 'set' }, attrs: { role: 'spine' } });
    const since = await store.changesSince({ model: 'device', cursor });
    expect(since.uids?.toSorted()).toEqual(['added', 'changed', 'removed', 'set']);
    expect(await store.changesSince({ model: Device, cursor: since.cursor })).toEqual({ ...since, uids: [] });
  });

  it('does not know what it has dropped, what another store says, and what was before a clear', async () => {
    const store = new LocalStore();
    const { cursor } = await store.changesSince({ model: Device });
    await store.add({ obj: device('first') });
    const second = (await store.changesSince({ model: Device, cursor })).cursor;
    const objs = Array.from({ length: 2 * KEPT_CHANGES }, (_, at) => device(`d${at}`));
    await store.addMany({ objs });
    expect((await store.changesSince({ model: Device, cursor })).uids).toBeUndefined();
    expect((await store.changesSince({ model: Device, cursor: second })).uids).toBeUndefined();

    const recent = (await store.changesSince({ model: Device })).cursor;
    const other = new LocalStore();
    expect((await other.changesSince({ model: Device, cursor: recent })).uids).toBeUndefined();
    await store.clear();
    expect((await store.changesSince({ model: Device, cursor: recent })).uids).toBeUndefined();
  });

  it.each(['', 'x', '1', '-1', ' '])('takes no cursor that it did not give: %j', async (cursor) => {
    const store = new LocalStore();
    await store.add({ obj: device('a') });
    expect((await store.changesSince({ model: Device, cursor })).uids).toBeUndefined();
  });
});
