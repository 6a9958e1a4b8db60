// A source that is loaded anew for each comparison, as by a nightly job in a process of its own.
import { describe, expect, it } from '@jest/globals';
import { LocalStore, type Diff } from '../../../src/index.js';
import { LastingStore } from './lasting-store.js';
import { Device, Group, Network, Port } from './random-changes.js';

const target = new Network({ name: 'target', store: new LastingStore() });

/** Loads the source anew, with these texts of its devices, and compares. */
async function compare(
  texts: Readonly<Record<string, string>>,
): Promise<{ readonly diff: Diff; sync(): Promise<Diff> }> {
  const source = new Network({ name: 'source', store: new LocalStore() });
  const names = Object.keys(texts);
  await source.store.add({ obj: new Group({ name: 'g', devices: names }) });
  for (const name of names) {
    await source.store.add({ obj: new Device({ name, text: texts[name], ports: [`${name}-0`] }) });
    await source.store.add({ obj: new Port({ name: `${name}-0` }) });
  }
  const diff = await target.diffFrom(source, { incremental: true });
  return { diff, sync: () => target.syncFrom(source, { diff }) };
}

const changesOf = (diff: Diff): string[] =>
  [...diff.changes()].map(({ action, model, uid }) => `${action} ${model} ${uid}`);

describe('a source that is loaded anew', () => {
  it('is compared by digests: what was changed, added or removed there, or in the target', async () => {
    const first = await compare({ a: '1', b: '1', c: '1' });
    expect(first.diff.fullBecause).toBe('no-baseline');
    await first.sync();
    const second = await compare({ a: '1', b: '1', c: '1' });
    // What the first sync has made was written since its comparison.
    expect(second.diff).toMatchObject({
      fullBecause: undefined,
      incremental: { candidates: 7 },
      unchanged: 7,
      length: 7,
    });
    await second.sync();

    const settled = await compare({ a: '1', b: '1', c: '1' });
    expect(settled.diff).toMatchObject({ incremental: { candidates: 0 }, unchanged: 7 });
    const changed = await compare({ a: '1', b: '2', d: '1' });
    expect(changesOf(changed.diff)).toEqual([
      'update device b',
      'create device d',
      'create port d-0',
      'delete device c',
      'delete port c-0',
    ]);
    expect(changed.diff.incremental).toMatchObject({ candidates: 6 });
    await changed.sync();

    await target.store.updateOrInstantiate({ model: Device, ids: { name: 'a' }, attrs: { text: 'by hand' } });
    expect(changesOf((await compare({ a: '1', b: '2', d: '1' })).diff)).toEqual(['update device a']);
  });
});
