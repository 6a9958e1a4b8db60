// What a history keeps and finds: values of any kind, many runs, no secrets; in stores of others, and in an application.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import fc from 'fast-check';
import { z } from 'zod';
import { FileStore } from '../../examples/custom-store/src/file.store.js';
import {
  Adapter,
  DiffSyncModel,
  DiffSyncStoreModule,
  getStoreToken,
  LocalStore,
  SyncRunner,
  type BaseStore,
  type RunChange,
} from '../../src/index.js';
import {
  bucketOfObject,
  changeOfLine,
  ChangeWriter,
  partsOfObject,
  type KeptChange,
} from '../../src/runs/change-lines.js';
import { SEED } from '../faults/seed.js';
import { fill, Inventory } from '../fixtures/inventory.js';

class Account extends DiffSyncModel.define({
  name: 'account',
  schema: z.object({ name: z.string(), password: z.string(), since: z.date(), serial: z.bigint().optional() }),
  identifiers: ['name'],
  attributes: ['password', 'since', 'serial'],
  secret: ['password'],
}) {}

class Accounts extends Adapter {
  static override readonly models = [Account];
  static override readonly topLevel = ['account'];
}

const folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-history-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function all(changes: AsyncIterable<RunChange>): Promise<RunChange[]> {
  const found: RunChange[] = [];
  for await (const change of changes) found.push(change);
  return found;
}

describe('a history', () => {
  it('keeps values of any kind, and of secret attributes only that they have changed', async () => {
    const store = new FileStore({ path: folder, storeId: 'accounts' });
    await store.open();
    const [source, target] = [new Accounts({ name: 'idp' }), new Accounts({ name: 'copy', store })];
    const [before, after] = [new Date(0), new Date(86_400_000)];
    const account = (password: string, since: Date): Account =>
      new Account({ name: 'root', password, since, serial: 7n });
    await target.addMany([
      account('hunter1', before),
      new Account({ name: 'old', password: 'hunter2', since: before }),
    ]);
    await source.add(account('hunter3', after));
    const runner = new SyncRunner();
    const plan = await runner.run({ source, target, load: 'none', dryRun: true });
    const run = await runner.apply(plan.id, { source, target, load: 'none' });
    expect((await target.get(Account, 'root')).password).toBe('hunter3');
    const history = runner.history(target);
    expect(await all(history.changes(run.id))).toMatchObject([
      {
        uid: 'root',
        action: 'update',
        old: { since: before },
        new: { since: after },
        secrets: ['password'],
        result: 'done',
      },
      {
        uid: 'old',
        action: 'delete',
        old: { since: before },
        new: null,
        secrets: ['password'],
        record: { data: { name: 'old' } },
      },
    ]);
    expect((await history.ofObject('account', 'root')).map(({ run: id, result }) => [id, result])).toEqual([
      [run.id, 'done'],
      [plan.id, 'planned'],
    ]);
    // Whatever the store of the runs has written: a value is nowhere in it.
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const texts = files.map(
      (entry) => [entry.parentPath, readFileSync(join(entry.parentPath, entry.name), 'utf8')] as const,
    );
    const ofRuns = texts.filter(([path]) => path.includes(createHash('sha256').update('accounts.runs').digest('hex')));
    expect(ofRuns.length).toBeGreaterThan(5);
    expect(ofRuns.filter(([, text]) => text.includes('hunter'))).toEqual([]);
    await store.close();
  });

  it(`finds the changes of an object by its bucket and its parts (SEED=${SEED})`, () => {
    const uids = fc.array(fc.string({ unit: 'grapheme', maxLength: 4 }), { minLength: 1, maxLength: 600 });
    fc.assert(
      fc.property(uids, (names) => {
        const change = (uid: string, index: number): KeptChange => ({
          index,
          model: 'device',
          uid,
          parents: [{ model: 'site', uid: `at ${uid}` }],
          action: 'update',
          moves: false,
          old: { role: undefined },
          new: { role: uid },
          secrets: [],
        });
        const writer = new ChangeWriter(Infinity);
        for (const [at, uid] of names.entries()) writer.add(change(uid, at));
        const { parts, buckets } = writer.finish();
        const read = parts.map((part) =>
          part
            .split('\n')
            .slice(0, -1)
            .map((line) => changeOfLine(line)),
        );
        expect(read.flat()).toEqual(names.map(change));
        for (const uid of new Set(names)) {
          const bucket = buckets[bucketOfObject('device', uid, buckets.length)] ?? '';
          const wanted = read.flatMap((part, at) => (part.some((each) => each.uid === uid) ? [at] : []));
          expect(partsOfObject(bucket, 'device', uid)).toEqual(wanted);
        }
      }),
      { seed: SEED, numRuns: 30 },
    );
  });

  it('does not keep values that are too large for the store, and says so', async () => {
    const store = new LocalStore({ maxObjectBytes: 20_000 });
    const [source, target] = [new Inventory({ name: 'network' }), new Inventory({ name: 'cmdb', store })];
    await fill(source, { nyc: {} });
    const site = await source.get('site', 'nyc');
    await source.update(Object.assign(site, { region: 'x'.repeat(9000) }));
    const runner = new SyncRunner();
    const run = await runner.run({ source, target, load: 'none' });
    const [change] = await runner.history(target).ofObject('site', 'nyc');
    expect([run.outcome, change?.new, change?.message]).toEqual([
      'succeeded',
      {},
      expect.stringMatching(/^its values are not kept: they have 9\d\d\d characters$/),
    ]);
  });
});

/** Counts reads of records by unique id. */
class CountingStore extends LocalStore {
  static reads = 0;

  override scope(options: { readonly storeId: string; readonly name?: string }): CountingStore {
    return new CountingStore(options);
  }

  protected override async readRecords(...read: [string, readonly string[]]): ReturnType<LocalStore['readRecords']> {
    CountingStore.reads++;
    return super.readRecords(...read);
  }
}

it('finds what has happened to an object in a few reads, whatever the number of runs', async () => {
  const [source, target] = [
    new Inventory({ name: 'network' }),
    new Inventory({ name: 'cmdb', store: new CountingStore({ storeId: 'cmdb' }) }),
  ];
  await fill(source, { nyc: {} });
  const runner = new SyncRunner();
  const reads: number[] = [];
  const site = await source.get('site', 'nyc');
  for (let run = 1; run <= 30; run++) {
    await source.update(Object.assign(site, { region: `region ${run}` }));
    await runner.run({ source, target, load: 'none' });
    CountingStore.reads = 0;
    expect(await runner.history(target).ofObject('site', 'nyc')).toHaveLength(run);
    reads.push(CountingStore.reads);
  }
  expect([...new Set(reads)]).toEqual([reads[0]]);
  expect(reads[0]).toBeLessThanOrEqual(8);
});

describe('in an application', () => {
  it('the runner is injected, and the histories close with their stores', async () => {
    const path = join(folder, 'app.db');
    const app = await Test.createTestingModule({
      imports: [
        DiffSyncStoreModule.forRoot({ engine: 'sqlite', path, storeId: 'inventory' }),
        DiffSyncStoreModule.forFeature(['network', 'cmdb']),
      ],
    }).compile();
    await app.init();
    const adapter = (name: string): Inventory =>
      new Inventory({ name, store: app.get<BaseStore>(getStoreToken(name)) });
    const [source, target] = [adapter('network'), adapter('cmdb')];
    await fill(source, { nyc: { d1: [] } });
    const run = await app.get(SyncRunner).run({ source, target, load: 'none' });
    expect((await new SyncRunner().history(target).list()).runs).toEqual([run]);
    await app.close();
    await expect(app.get(SyncRunner).history(target).list()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  });

  it.each([
    ['inventory', 'runs', undefined],
    ['cmdb.runs', 'cmdb', 'cmdb'],
  ])('the ids of histories are no ids of stores: %s and %s', async (root, name, storeId) => {
    const module = Test.createTestingModule({
      imports: [
        DiffSyncStoreModule.forRoot({ engine: 'sqlite', path: join(folder, `${name}.db`), storeId: root }),
        DiffSyncStoreModule.forFeature([storeId === undefined ? name : { name, storeId }]),
      ],
    }).compile();
    await expect(module).rejects.toThrow('is reserved for the runs of the other store: give it another storeId');
  });
});
