import { describe, expect, it } from '@jest/globals';
import type { ModelRecord } from '../../src/index.js';
import { WriteBehind, type RecordWriter } from '../../src/store/write-behind.js';

/** Writes into a Map, notes every call, and fails before or after a step when told so. */
class NotingWriter implements RecordWriter {
  readonly stored = new Map<string, ModelRecord>();
  readonly calls: string[] = [];
  /** Step -> whether it is done before it fails. */
  readonly failing = new Map<keyof RecordWriter, boolean>();

  constructor(...records: readonly ModelRecord[]) {
    for (const record of records) this.stored.set(record.uid, record);
  }

  async insertRecords(model: string, records: readonly ModelRecord[]): Promise<(ModelRecord | undefined)[]> {
    return this.step('insertRecords', model, records.map(uidOf), () =>
      records.map((record) => {
        const existing = this.stored.get(record.uid);
        if (existing === undefined) this.stored.set(record.uid, record);
        return existing;
      }),
    );
  }

  async putRecords(model: string, records: readonly ModelRecord[]): Promise<void> {
    return this.step('putRecords', model, records.map(uidOf), () => {
      for (const record of records) this.stored.set(record.uid, record);
    });
  }

  async modifyRecords(
    model: string,
    uids: readonly string[],
    change: Parameters<RecordWriter['modifyRecords']>[2],
  ): Promise<void> {
    return this.step('modifyRecords', model, uids, () => {
      for (const uid of uids) {
        const next = change(uid, this.stored.get(uid));
        if (next !== undefined) this.stored.set(uid, next);
      }
    });
  }

  async deleteRecords(model: string, uids: readonly string[]): Promise<boolean[]> {
    return this.step('deleteRecords', model, uids, () => uids.map((uid) => this.stored.delete(uid)));
  }

  /** As a backend that cannot. */
  async saveTogether(): Promise<undefined> {
    return undefined;
  }

  private step<T>(name: keyof RecordWriter, model: string, uids: readonly string[], work: () => T): T {
    this.calls.push(`${name} ${model} ${uids.join()}`);
    const doneFirst = this.failing.get(name);
    if (doneFirst === false) throw new Error(`${name} failed`);
    const result = work();
    if (doneFirst === true) throw new Error(`${name} failed`);
    return result;
  }
}

const uidOf = ({ uid }: ModelRecord): string => uid;

function record(uid: string, ports: readonly string[] = [], role = 'leaf'): ModelRecord {
  return { uid, data: { ports: [...ports], role } };
}

const PATCH = { set: { role: 'spine' }, unset: [] };

describe('WriteBehind', () => {
  it('writes many inserts, puts and removals of a model with one call each', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter(record('c'), record('d'))];
    buffer.insert('m', record('a'));
    buffer.put('m', record('c', [], 'new'));
    buffer.remove('m', 'd');
    buffer.insert('m', record('b'));
    buffer.insert('n', record('x'));
    expect(buffer.size).toBe(5);
    await buffer.drain(writer);
    expect(writer.calls).toEqual(['insertRecords n x', 'insertRecords m a,b', 'putRecords m c', 'deleteRecords m d']);
    expect(buffer.isEmpty()).toBe(true);
    expect(buffer.size).toBe(0);
  });

  it('writes children before their parents and removes them after, whichever came first', async () => {
    for (const order of [
      ['parent', 'child'],
      ['child', 'parent'],
    ]) {
      const writer = new NotingWriter(record('old parent'), record('old child'));
      const buffer = new WriteBehind((models) => models.toSorted().toReversed());
      for (const model of order) {
        buffer.remove(model, `old ${model}`);
        buffer.insert(model, record(`new ${model}`));
      }
      await buffer.drain(writer);
      expect(writer.calls).toEqual([
        'insertRecords child new child',
        'insertRecords parent new parent',
        'deleteRecords parent old parent',
        'deleteRecords child old child',
      ]);
    }
  });

  it('writes nothing the second time', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter()];
    buffer.insert('m', record('a'));
    await buffer.drain(writer);
    await buffer.drain(writer);
    expect(writer.calls).toEqual(['insertRecords m a']);
  });

  it('knows which objects wait', () => {
    const buffer = new WriteBehind();
    expect(buffer.isEmpty()).toBe(true);
    buffer.link('m', 'a', 'ports', 'p', true);
    expect([buffer.has('m', 'a'), buffer.has('m', 'b'), buffer.has('n', 'a')]).toEqual([true, false, false]);
    expect([buffer.isEmpty(), buffer.size]).toEqual([false, 0]);
    buffer.clear();
    expect([buffer.isEmpty(), buffer.has('m', 'a')]).toEqual([true, false]);
  });

  it('is not empty while it is written', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter()];
    buffer.insert('m', record('a'));
    const drained = buffer.drain(writer);
    expect([buffer.isEmpty(), buffer.has('m', 'a'), buffer.size]).toEqual([false, true, 1]);
    await drained;
    expect([buffer.isEmpty(), buffer.has('m', 'a'), buffer.size]).toEqual([true, false, 0]);
  });

  it.each<[string, (buffer: WriteBehind) => void, readonly string[]]>([
    ['insert, put', (b) => [b.insert('m', record('a')), b.put('m', record('a'))], ['insertRecords m a']],
    ['put, put', (b) => [b.put('m', record('a')), b.put('m', record('a'))], ['putRecords m a']],
    ['insert, remove', (b) => [b.insert('m', record('a')), b.remove('m', 'a')], []],
    ['put, remove', (b) => [b.put('m', record('a')), b.remove('m', 'a')], ['deleteRecords m a']],
    ['link, remove', (b) => [b.link('m', 'a', 'ports', 'p', true), b.remove('m', 'a')], ['deleteRecords m a']],
    [
      'remove, insert',
      (b) => [b.remove('m', 'a'), b.insert('m', record('a'))],
      ['deleteRecords m a', 'insertRecords m a'],
    ],
    ['remove, put', (b) => [b.remove('m', 'a'), b.put('m', record('a'))], ['deleteRecords m a', 'putRecords m a']],
    [
      'remove, insert, remove',
      (b) => [b.remove('m', 'a'), b.insert('m', record('a')), b.remove('m', 'a')],
      ['deleteRecords m a'],
    ],
    ['insert, link', (b) => [b.insert('m', record('a')), b.link('m', 'a', 'ports', 'p', true)], ['insertRecords m a']],
    ['patch', (b) => [b.patch('m', 'a', PATCH)], ['modifyRecords m a']],
    ['patch, link', (b) => [b.patch('m', 'a', PATCH), b.link('m', 'a', 'ports', 'p', true)], ['modifyRecords m a']],
    ['insert, patch', (b) => [b.insert('m', record('a')), b.patch('m', 'a', PATCH)], ['insertRecords m a']],
    ['put, patch', (b) => [b.put('m', record('a')), b.patch('m', 'a', PATCH)], ['putRecords m a']],
    ['patch, put', (b) => [b.patch('m', 'a', PATCH), b.put('m', record('a'))], ['putRecords m a']],
    ['patch, remove', (b) => [b.patch('m', 'a', PATCH), b.remove('m', 'a')], ['deleteRecords m a']],
    ['remove, patch', (b) => [b.remove('m', 'a'), b.patch('m', 'a', PATCH)], ['deleteRecords m a']],
    ['link, put', (b) => [b.link('m', 'a', 'ports', 'p', true), b.put('m', record('a'))], ['putRecords m a']],
    [
      'link, link',
      (b) => [b.link('m', 'a', 'ports', 'p', true), b.link('m', 'a', 'ports', 'q', true)],
      ['modifyRecords m a'],
    ],
  ])('merges %s', async (_, act, calls) => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter()];
    act(buffer);
    await buffer.drain(writer);
    expect(writer.calls).toEqual(calls);
  });

  it('writes the record given last', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter()];
    buffer.insert('m', record('a', [], 'first'));
    buffer.put('m', record('a', [], 'second'));
    await buffer.drain(writer);
    expect(writer.stored.get('a')?.data['role']).toBe('second');
  });

  it('puts a removed and inserted object last', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter(record('a'), record('b'))];
    buffer.remove('m', 'a');
    buffer.insert('m', record('a'));
    await buffer.drain(writer);
    expect([...writer.stored.keys()]).toEqual(['b', 'a']);
  });

  it.each<[string, readonly string[], readonly (readonly [string, boolean])[], readonly string[]]>([
    [
      'new links go last, in the order of the calls',
      ['p'],
      [
        ['r', true],
        ['q', true],
      ],
      ['p', 'r', 'q'],
    ],
    ['a link that is there stays where it is', ['p', 'q'], [['p', true]], ['p', 'q']],
    [
      'a link taken back is not made',
      ['p'],
      [
        ['q', true],
        ['q', false],
      ],
      ['p'],
    ],
    ['an unlinked child is taken out', ['p', 'q'], [['p', false]], ['q']],
    [
      'a child unlinked and linked again goes last',
      ['p', 'q'],
      [
        ['p', false],
        ['p', true],
      ],
      ['q', 'p'],
    ],
    ['a child that was never linked is unlinked in vain', ['p'], [['x', false]], ['p']],
  ])('%s', async (_, before, calls, after) => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter(record('a', before))];
    for (const [child, linked] of calls) buffer.link('m', 'a', 'ports', child, linked);
    await buffer.drain(writer);
    expect(writer.stored.get('a')?.data).toEqual({ ports: after, role: 'leaf' });
  });

  it('makes the list of children where the object has none', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter({ uid: 'a', data: {} })];
    buffer.link('m', 'a', 'ports', 'p', true);
    await buffer.drain(writer);
    expect(writer.stored.get('a')?.data).toEqual({ ports: ['p'] });
  });

  it('links nothing to an object that is not there', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter()];
    buffer.link('m', 'a', 'ports', 'p', true);
    await buffer.drain(writer);
    expect(writer.stored.size).toBe(0);
  });

  it('patches the record that is there, and nothing where there is none', async () => {
    const there = { uid: 'a', data: { ports: ['theirs'], role: 'leaf', note: 'theirs', old: 1 }, flags: 2 };
    const [buffer, writer] = [new WriteBehind(), new NotingWriter(there)];
    buffer.patch('m', 'a', { set: { role: 'spine', made: 1 }, unset: ['old'] });
    buffer.patch('m', 'a', { set: { role: 'super' }, unset: ['made'], flags: { to: undefined } });
    buffer.link('m', 'a', 'ports', 'mine', true);
    buffer.patch('m', 'gone', PATCH);
    expect(buffer.size).toBe(3);
    await buffer.drain(writer);
    expect([...writer.stored.values()]).toEqual([
      { uid: 'a', data: { ports: ['theirs', 'mine'], role: 'super', note: 'theirs' } },
    ]);
  });

  it.each([
    ['insert', [], { ports: [], role: 'spine' }],
    ['put', [record('a', ['p'], 'old')], { ports: [], role: 'spine' }],
  ] as const)('patches a pending %s', async (kind, before, after) => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter(...before)];
    buffer[kind]('m', record('a'));
    buffer.patch('m', 'a', PATCH);
    await buffer.drain(writer);
    expect(writer.stored.get('a')?.data).toEqual(after);
  });

  it('leaves the record that it was given as it was', async () => {
    const [buffer, writer, given] = [new WriteBehind(), new NotingWriter(), record('a')];
    buffer.insert('m', given);
    buffer.link('m', 'a', 'ports', 'p', true);
    await buffer.drain(writer);
    expect(given).toEqual(record('a'));
    expect(writer.stored.get('a')).toEqual(record('a', ['p']));
  });

  it('returns the inserts that met an object, and does the others', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter(record('a', [], 'there'))];
    buffer.insert('m', record('a', [], 'new'));
    buffer.insert('m', record('b'));
    expect(await buffer.drain(writer)).toEqual([
      { model: 'm', record: record('a', [], 'new'), existing: record('a', [], 'there') },
    ]);
    expect([...writer.stored.keys()]).toEqual(['a', 'b']);
  });
});

describe('WriteBehind after an error', () => {
  it.each<[keyof RecordWriter, boolean]>([
    ['insertRecords', false],
    ['insertRecords', true],
    ['putRecords', false],
    ['putRecords', true],
    ['modifyRecords', false],
    ['modifyRecords', true],
    ['deleteRecords', false],
    ['deleteRecords', true],
  ])('of %s (done all the same: %p) does everything the next time', async (step, doneFirst) => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter(record('b'), record('c', ['q']), record('d'))];
    buffer.insert('m', record('a'));
    buffer.put('m', record('b', [], 'new'));
    buffer.link('m', 'c', 'ports', 'p', true);
    buffer.link('m', 'c', 'ports', 'q', false);
    buffer.remove('m', 'd');
    writer.failing.set(step, doneFirst);
    await expect(buffer.drain(writer)).rejects.toThrow(`${step} failed`);
    expect([buffer.size, buffer.isEmpty()]).toEqual([3, false]);
    writer.failing.clear();
    const conflicts = await buffer.drain(writer);
    expect(conflicts.filter(({ record: mine, existing }) => mine.data['role'] !== existing.data['role'])).toEqual([]);
    expect([...writer.stored.keys()].toSorted()).toEqual(['a', 'b', 'c']);
    expect(writer.stored.get('b')?.data['role']).toBe('new');
    expect(writer.stored.get('c')?.data['ports']).toEqual(['p']);
    expect([buffer.size, buffer.isEmpty()]).toEqual([0, true]);
  });

  it('merges what came in meanwhile behind what failed', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter(record('a'), record('b'), record('c', ['p']))];
    buffer.put('m', record('a', [], 'old'));
    buffer.put('m', record('b', [], 'old'));
    buffer.link('m', 'c', 'ports', 'q', true);
    writer.failing.set('putRecords', false);
    const drained = buffer.drain(writer);
    buffer.put('m', record('a', [], 'newer'));
    buffer.remove('m', 'b');
    buffer.link('m', 'c', 'ports', 'p', false);
    buffer.link('m', 'c', 'ports', 'p', true);
    await expect(drained).rejects.toThrow('putRecords failed');
    expect(buffer.size).toBe(4);
    writer.failing.clear();
    await buffer.drain(writer);
    expect(writer.stored.get('a')?.data['role']).toBe('newer');
    expect(writer.stored.has('b')).toBe(false);
    expect(writer.stored.get('c')?.data['ports']).toEqual(['q', 'p']);
  });

  it.each([false, true])(
    'does patches again, with those that came meanwhile (done all the same: %p)',
    async (doneFirst) => {
      const [buffer, writer] = [new WriteBehind(), new NotingWriter(record('a'))];
      buffer.patch('m', 'a', { set: { role: 'spine', note: 'first' }, unset: [] });
      writer.failing.set('modifyRecords', doneFirst);
      const drained = buffer.drain(writer);
      buffer.patch('m', 'a', { set: { note: 'second' }, unset: [] });
      await expect(drained).rejects.toThrow('modifyRecords failed');
      writer.failing.clear();
      await buffer.drain(writer);
      expect(writer.stored.get('a')?.data).toEqual({ ports: [], role: 'spine', note: 'second' });
    },
  );

  it('removes an object whose insert was done before a later write failed', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter(record('b'))];
    buffer.insert('m', record('a'));
    buffer.put('m', record('b'));
    writer.failing.set('putRecords', false);
    await expect(buffer.drain(writer)).rejects.toThrow();
    writer.failing.clear();
    buffer.remove('m', 'a');
    await buffer.drain(writer);
    expect(writer.stored.has('a')).toBe(false);
  });

  it('removes an object whose insert may have been done', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter()];
    buffer.insert('m', record('a'));
    writer.failing.set('insertRecords', true);
    await expect(buffer.drain(writer)).rejects.toThrow();
    writer.failing.clear();
    buffer.remove('m', 'a');
    await buffer.drain(writer);
    expect(writer.stored.size).toBe(0);
  });

  it('takes its own insert for no conflict when the object was changed meanwhile', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter(record('b'))];
    buffer.insert('m', record('a'));
    buffer.put('m', record('b'));
    writer.failing.set('putRecords', false);
    await expect(buffer.drain(writer)).rejects.toThrow();
    writer.failing.clear();
    buffer.put('m', record('a', [], 'changed'));
    buffer.link('m', 'a', 'ports', 'p', true);
    expect(await buffer.drain(writer)).toEqual([]);
    expect(writer.stored.get('a')).toEqual(record('a', ['p'], 'changed'));
  });

  it('takes an insert that was done after all for no conflict when the object was changed meanwhile', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter()];
    buffer.insert('m', record('a'));
    buffer.link('m', 'a', 'ports', 'p', true);
    writer.failing.set('insertRecords', true);
    await expect(buffer.drain(writer)).rejects.toThrow();
    writer.failing.clear();
    buffer.link('m', 'a', 'ports', 'q', true);
    expect(await buffer.drain(writer)).toEqual([]);
    expect(writer.stored.get('a')).toEqual(record('a', ['p', 'q']));
  });

  it('finds a conflict again that the failed time had found', async () => {
    const [buffer, writer] = [new WriteBehind(), new NotingWriter(record('a', [], 'there'), record('b'))];
    buffer.insert('m', record('a', [], 'new'));
    buffer.put('m', record('b'));
    writer.failing.set('putRecords', false);
    await expect(buffer.drain(writer)).rejects.toThrow();
    writer.failing.clear();
    expect(await buffer.drain(writer)).toHaveLength(1);
    expect(writer.stored.get('a')?.data['role']).toBe('there');
  });
});
