import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, Diff, DiffSyncModel } from '../../src/index.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), value: z.unknown() }),
  identifiers: ['name'],
  attributes: ['value'],
}) {}

class Inventory extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
}

describe('a saved plan', () => {
  it('is not stale when a value was replaced by an equal one', async () => {
    const [src, dst] = [new Inventory({ name: 'src' }), new Inventory({ name: 'dst' })];
    const map = (...entries: [string, unknown][]): Map<string, unknown> => new Map(entries);
    const first = { tags: new Set(['x', 'y']), map: map(['k', 1], ['l', 2]), none: undefined };
    const second = { map: map(['l', 2], ['k', 1]), tags: new Set(['y', 'x']) };
    await src.addMany([new Device({ name: 'a', value: first }), new Device({ name: 'b', value: 1 })]);
    await dst.add(new Device({ name: 'a', value: first }));
    const plan = JSON.stringify(await dst.diffFrom(src));
    await src.update(new Device({ name: 'a', value: second }));
    await dst.syncFrom(src, { diff: Diff.fromJSON(JSON.parse(plan), { target: dst }) });
    expect((await dst.get(Device, 'b')).value).toBe(1);
    expect((await dst.diffFrom(src)).hasDiffs()).toBe(false);
  });
});
