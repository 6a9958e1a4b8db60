// A run of 100,000 changes, and a model of as many objects: what is read for a page is counted, since the time depends on the machine.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { storeChannel, type StoreTrace, type SyncRun } from '../../src/index.js';
import type { ChangePage, ObjectPage } from '../../src/board/index.js';
import { closeApps, Site, startBoard, type BoardApp } from './board-app.js';

const SIZE = 100_000;
let board: BoardApp;
let run: SyncRun;

/** Records that were read since it was last asked, by model. */
const reads = new Map<string, number>();
const count = (message: unknown): void => {
  const { model = '', operation, uids } = message as StoreTrace;
  if (operation === 'getByUids') reads.set(model, (reads.get(model) ?? 0) + [...(uids ?? [])].length);
  if (operation === 'iterate' || operation === 'getAll') reads.set(model, Infinity);
};

beforeAll(async () => {
  board = await startBoard();
  const sites = Array.from({ length: SIZE }, (_, at) => new Site({ name: `s${String(at).padStart(6, '0')}` }));
  await board.network.addMany(sites);
  const { network: source, cmdb: target } = board;
  run = await board.runner.run({ source, target, load: 'none', dryRun: true });
  storeChannel.start.subscribe(count);
}, 600_000);
afterEach(() => reads.clear());
afterAll(async () => {
  storeChannel.start.unsubscribe(count);
  await closeApps();
});

async function changes(query: string): Promise<ChangePage> {
  const { status, body } = await board.ask<ChangePage>(`api/runs/${run.id}/changes?target=cmdb&${query}`);
  expect(status).toBe(200);
  return body;
}

describe(`a run of ${SIZE.toLocaleString('en')} changes`, () => {
  it('is read in parts: a page costs the same wherever it is', async () => {
    expect(run.changes).toBe(SIZE);
    for (const from of [0, 50_000, SIZE - 100]) {
      const page = await changes(`from=${from}`);
      expect(page.changes.map(({ index }) => index)).toEqual(Array.from({ length: 100 }, (_, at) => from + at));
      expect(page.next).toBe(from + 100 < SIZE ? from + 100 : null);
      // Of 3,125 parts.
      expect(reads.get('run_changes')).toBeLessThanOrEqual(25);
      reads.clear();
    }
  });

  it('is searched step by step, each of them bounded', async () => {
    const first = await changes('search=s099');
    expect([first.changes, first.next]).toEqual([[], 5000]);
    expect(reads.get('run_changes')).toBeLessThanOrEqual(5000 / 32 + 64);
    const last = await changes('search=s0999&from=98000');
    expect([last.changes.length, last.changes[0]?.uid, last.next]).toEqual([100, 's099900', null]);
  });
});

describe(`a model of ${SIZE.toLocaleString('en')} objects`, () => {
  const page = async (query: string): Promise<ObjectPage> => {
    const { status, body } = await board.ask<ObjectPage>(`api/objects?store=network&model=site&${query}`);
    expect(status).toBe(200);
    return body;
  };

  it('is shown page by page: the objects of a page are read, and no others', async () => {
    const first = await page('limit=3');
    const second = await page(`limit=3&after=${encodeURIComponent(first.next ?? '')}`);
    expect([...first.objects, ...second.objects].map(({ uid }) => uid)).toEqual(
      ['0', '1', '2', '3', '4', '5'].map((end) => `s00000${end}`),
    );
    expect(reads).toEqual(new Map([['site', 6]]));
  });

  it('is searched by unique id, and a search goes on where a page has ended', async () => {
    const found: string[] = [];
    let requests = 0;
    for (let next: string | null = ''; next !== null && requests < 100; requests++) {
      const answer: ObjectPage = await page(`limit=4&search=777&after=${encodeURIComponent(next || '0,')}`);
      found.push(...answer.objects.map(({ uid }) => uid));
      next = answer.next;
    }
    const all = Array.from({ length: SIZE }, (_, at) => `s${String(at).padStart(6, '0')}`);
    expect(found).toEqual(all.filter((uid) => uid.includes('777')));
    expect(reads.get('site')).toBe(found.length);
  });
});
