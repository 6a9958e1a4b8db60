// What the JSON interface shows, and what is decided by it: on both platforms, on Redis and in a file.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { z } from 'zod';
import * as answers from '../../src/board/answers.js';
import type {
  BoardInfo,
  BoardRunPage,
  ChangePage,
  ObjectHistory,
  ObjectPage,
  ObjectView,
  RunProgress,
  RunStarted,
  RunView,
  StaleAnswer,
  StoreList,
  StoreView,
} from '../../src/board/index.js';
import type { BuiltInEngineOptions } from '../../src/index.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { closeApps, startBoard, type BoardApp, type BoardAppOptions, type Content } from './board-app.js';

const SECRET = 'hunter2-secret';
const folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-board-'));
let redis: RedisServer;
let stores = 0;
beforeAll(async () => void (redis = await startRedis()));
afterEach(closeApps);
afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

const engines: Readonly<Record<'redis' | 'sqlite', () => BuiltInEngineOptions>> = {
  redis: () => ({ engine: 'redis', url: redis.url, storeId: `board${stores++}` }),
  sqlite: () => ({ engine: 'sqlite', path: join(folder, `board${stores++}.db`), storeId: 'board' }),
};

const cases = [
  ['express', 'redis'],
  ['express', 'sqlite'],
  ['fastify', 'redis'],
  ['fastify', 'sqlite'],
] as const;

const BEFORE: Content = { nyc: { r1: { role: 'leaf', password: `${SECRET}-old` }, r2: {} } };
const AFTER: Content = {
  nyc: {
    r1: { role: 'spine', password: `${SECRET}-new`, since: new Date(0), serial: 7n, note: '<b>\u202e\u0007' },
    r3: {},
  },
};

/** Events of a run until the server ends the stream. */
async function eventsOf(board: BoardApp, id: string): Promise<{ readonly type: string; readonly data: unknown }[]> {
  const url = new URL(`api/runs/${id}/events?target=cmdb`, board.base);
  const response = await fetch(url, { headers: { 'x-user': 'bob' } });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const messages = (await response.text()).split('\n\n').filter((text) => text.includes('data: '));
  return messages.map((text) => {
    const fields = new Map(text.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
    return { type: fields.get('event') ?? '', data: JSON.parse(fields.get('data') ?? 'null') as unknown };
  });
}

/** Waits for the end of a run. */
async function ended(board: BoardApp, id: string): Promise<RunView> {
  const last = (await eventsOf(board, id)).at(-1);
  expect(last?.type).toBe('ended');
  return last?.data as RunView;
}

async function dryRun(board: BoardApp): Promise<RunView> {
  const { status, body } = await board.post<RunStarted>('api/runs', {
    source: 'network',
    target: 'cmdb',
    label: 'look',
  });
  expect(status).toBe(202);
  return ended(board, body.run.id);
}

async function get<T>(board: BoardApp, path: string, schema: z.ZodType): Promise<T> {
  const { status, body } = await board.ask<T>(path);
  expect([path, status]).toEqual([path, 200]);
  expect(schema.safeParse(body).error).toBeUndefined();
  expect(JSON.stringify(body)).not.toContain(SECRET);
  return body;
}

describe.each(cases)('a board on %s with %s', (platform, engine) => {
  const open = (options: BoardAppOptions = {}): Promise<BoardApp> =>
    startBoard({ platform, store: engines[engine](), ...options });

  it('plans, approves, applies and undoes: who and when are in the runs', async () => {
    const board = await open();
    [board.network.content, board.cmdb.content] = [AFTER, BEFORE];
    const started = await board.post<RunStarted>('api/runs', { source: 'network', target: 'cmdb', label: 'look' });
    expect([started.status, started.body.run]).toEqual([
      202,
      expect.objectContaining({ kind: 'dry-run', outcome: 'running', by: 'alice', label: 'look' }),
    ]);
    const { id } = started.body.run;
    const address = new URL(started.response.headers.get('location') ?? '', started.response.url);
    expect(address.href).toBe(`${board.base}api/runs/${id}?target=cmdb`);
    const plan = await ended(board, id);
    expect(plan).toMatchObject({ run: { outcome: 'succeeded', changes: 3 }, decisions: ['approve'], stale: null });
    expect(plan.models.find(({ model }) => model === 'device')).toEqual({
      model: 'device',
      create: 1,
      update: 1,
      delete: 1,
    });

    const early = await board.post(`api/runs/${id}/apply`, { target: 'cmdb' });
    expect([early.status, early.body]).toEqual([409, expect.objectContaining({ code: 'RUN_NOT_APPROVED' })]);
    const approved = await board.post<RunView>(`api/runs/${id}/approve`, { target: 'cmdb' });
    expect([approved.status, approved.body]).toEqual([
      200,
      expect.objectContaining({
        run: expect.objectContaining({ approval: { by: 'alice', at: expect.any(String) } }),
        decisions: ['apply'],
      }),
    ]);
    board.cmdb.content = BEFORE;
    const applied = await board.post<RunStarted>(`api/runs/${id}/apply`, { target: 'cmdb' });
    expect(applied.status).toBe(202);
    const run = await ended(board, applied.body.run.id);
    expect(run).toMatchObject({
      run: {
        kind: 'apply',
        outcome: 'succeeded',
        of: id,
        label: 'look',
        by: 'alice',
        approval: approved.body.run.approval,
        results: { done: 3 },
      },
      decisions: ['undo'],
    });
    expect((await board.cmdb.get('device', 'nyc__r1')) as unknown).toMatchObject({ role: 'spine' });
    expect(await get(board, `api/runs/${id}?target=cmdb`, answers.RunView)).toMatchObject({
      run: { appliedBy: run.run.id },
      decisions: [],
    });
    const twice = await board.post(`api/runs/${id}/apply`, { target: 'cmdb' });
    expect([twice.status, twice.body]).toEqual([409, expect.objectContaining({ code: 'RUN_WAS_APPLIED' })]);

    const undone = await board.post<RunStarted>(`api/runs/${run.run.id}/undo`, { target: 'cmdb' });
    expect(undone.status).toBe(202);
    expect(await ended(board, undone.body.run.id)).toMatchObject({
      run: { kind: 'undo', outcome: 'succeeded', by: 'alice' },
    });
    expect((await board.cmdb.get('device', 'nyc__r1')) as unknown).toMatchObject({ role: 'leaf' });

    // All runs, page by page, and those of one target.
    const ids: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const after: string = next === '' ? '' : `&after=${encodeURIComponent(next)}`;
      const page: BoardRunPage = await get(board, `api/runs?limit=1${after}`, answers.BoardRunPage);
      expect(page.unavailable).toEqual([]);
      ids.push(...page.runs.map((each) => each.id));
      ({ next } = page);
    }
    expect(ids).toEqual([undone.body.run.id, run.run.id, id]);
    expect(await get(board, 'api/runs?target=network', answers.BoardRunPage)).toMatchObject({ runs: [], next: null });
  });

  it('says that a plan is stale, and what still holds can be done', async () => {
    const board = await open();
    [board.network.content, board.cmdb.content] = [AFTER, BEFORE];
    const { run: plan } = await dryRun(board);
    await board.post(`api/runs/${plan.id}/approve`, { target: 'cmdb' });
    board.cmdb.content = { nyc: { r1: { role: 'border', password: `${SECRET}-old` }, r2: {} } };
    const refused = await board.post<StaleAnswer | RunStarted>(`api/runs/${plan.id}/apply`, { target: 'cmdb' });
    // Where a comparison takes longer than a request waits, the view of the run has what its answer would have had.
    const run = refused.status === 409 ? (refused.body as StaleAnswer).run : (refused.body as RunStarted).run.id;
    const view = await get<RunView>(board, `api/runs/${String(run)}?target=cmdb`, answers.RunView);
    const { run: kept, stale } = refused.status === 409 ? view : await ended(board, String(run));
    expect(kept).toMatchObject({ outcome: 'refused', error: { code: 'DIFF_STALE' } });
    expect(stale).toMatchObject({ count: 1, changes: [{ model: 'device', uid: 'nyc__r1', action: 'update' }] });
    if (refused.status === 409) {
      expect(answers.StaleAnswer.safeParse(refused.body).error).toBeUndefined();
      expect(refused.body).toMatchObject({ code: 'DIFF_STALE', stale });
    }

    const skipped = await board.post<RunStarted>(`api/runs/${plan.id}/apply`, { target: 'cmdb', onStale: 'skip' });
    expect(skipped.status).toBe(202);
    const { run: done } = await ended(board, skipped.body.run.id);
    expect(done).toMatchObject({ outcome: 'succeeded', results: { done: 2, stale: 1 } });
    const left = await get<ChangePage>(
      board,
      `api/runs/${done.id}/changes?target=cmdb&result=stale`,
      answers.ChangePage,
    );
    expect(left.changes.map(({ uid }) => uid)).toEqual(['nyc__r1']);
  });

  it('shows stores, objects, their places and their history, and no secret', async () => {
    const board = await open();
    [board.network.content, board.cmdb.content] = [AFTER, BEFORE];
    const run = await board.runner.run({ source: board.network, target: board.cmdb, by: 'nightly' });
    const info = await get<BoardInfo>(board, 'api/board', answers.BoardInfo);
    expect(info.adapters.map(({ name, store }) => [name, store])).toEqual([
      ['network', 'network'],
      ['cmdb', 'cmdb'],
    ]);
    const { stores: all } = await get<StoreList>(board, 'api/stores', answers.StoreList);
    expect(all.map(({ store, engine: each, health }) => [store, each, health.status])).toEqual([
      ['', engine, 'up'],
      ['network', engine, 'up'],
      ['cmdb', engine, 'up'],
    ]);
    const view = await get<StoreView>(board, 'api/store?store=cmdb', answers.StoreView);
    expect(view).toMatchObject({
      adapters: ['cmdb'],
      objects: 3,
      models: [
        { model: 'device', count: 2 },
        { model: 'site', count: 1 },
      ],
      size: { of: engine === 'redis' ? 'server' : 'file' },
      lastChange: { run: run.id, target: 'cmdb', at: run.endedAt },
    });

    const page = await get<ObjectPage>(board, 'api/objects?store=cmdb&model=device', answers.ObjectPage);
    expect(page).toEqual({
      model: 'device',
      objects: [
        {
          uid: 'nyc__r1',
          fields: expect.objectContaining({ role: 'spine', since: { $diffsync: 'Date', v: expect.any(String) } }),
        },
        { uid: 'nyc__r3', fields: expect.objectContaining({ role: 'leaf' }) },
      ],
      next: null,
    });
    expect(page.objects.every(({ fields }) => fields !== null && !('password' in fields))).toBe(true);
    const object = await get<ObjectView>(board, 'api/object?store=cmdb&model=device&uid=nyc__r1', answers.ObjectView);
    expect(object.fields).toEqual([
      { name: 'site', kind: 'identifier', secret: false, value: 'nyc' },
      { name: 'name', kind: 'identifier', secret: false, value: 'r1' },
      { name: 'role', kind: 'attribute', secret: false, value: 'spine' },
      { name: 'password', kind: 'attribute', secret: true },
      { name: 'since', kind: 'attribute', secret: false, value: { $diffsync: 'Date', v: '1970-01-01T00:00:00.000Z' } },
      { name: 'serial', kind: 'attribute', secret: false, value: { $diffsync: 'bigint', v: '7' } },
    ]);
    expect(object.parents).toEqual({ found: [{ model: 'site', uid: 'nyc' }], complete: true });
    const site = await get<ObjectView>(board, 'api/object?store=cmdb&model=site&uid=nyc', answers.ObjectView);
    expect([site.children, site.parents]).toEqual([
      [{ model: 'device', uids: ['nyc__r1', 'nyc__r3'], count: 2 }],
      { found: [], complete: true },
    ]);
    const history = await get<ObjectHistory>(
      board,
      'api/object/history?store=cmdb&model=device&uid=nyc__r1',
      answers.ObjectHistory,
    );
    expect(history).toMatchObject({
      changes: [{ run: run.id, target: 'cmdb', action: 'update', secrets: ['password'], result: 'done' }],
      more: false,
    });
    expect(await get(board, `api/runs/${run.id}/changes?target=cmdb`, answers.ChangePage)).toMatchObject({
      next: null,
    });
  });

  it('shows how far a run is', async () => {
    const board = await open();
    [board.network.content, board.cmdb.content] = [AFTER, BEFORE];
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    board.network.pause = () => held;
    const { body } = await board.post<RunStarted>('api/runs', { source: 'network', target: 'cmdb' });
    const second = await board.post('api/runs', { source: 'network', target: 'cmdb' });
    expect([second.status, second.body]).toEqual([409, expect.objectContaining({ code: 'SYNC_IN_PROGRESS' })]);
    const url = new URL(`api/runs/${body.run.id}/events?target=cmdb`, board.base);
    const response = await fetch(url, { headers: { 'x-user': 'bob' } });
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (text.includes('load-source')) goOn();
    }
    const states = [...text.matchAll(/^event: progress\n(?:id: .*\n)?data: (.*)$/gm)].map(
      ([, data = '']) => JSON.parse(data) as RunProgress,
    );
    const phases = states.at(-1)?.phases ?? [];
    expect(phases.find(({ phase }) => phase === 'load-source')).toMatchObject({ current: 1, total: 1 });
    expect(phases.map(({ phase }) => phase)).toEqual(expect.arrayContaining(['load-source', 'load-target', 'compare']));
    expect(text).toMatch(/event: ended/);
    // A run that has ended is told at once.
    expect(await eventsOf(board, body.run.id)).toMatchObject([{ type: 'ended', data: { run: { id: body.run.id } } }]);
  });
});

describe('the JSON interface', () => {
  it('refuses what comes from a page of another origin, or is not JSON', async () => {
    const board = await startBoard({ board: { origins: ['https://tools.example.com'] } });
    const { host, origin } = new URL(board.base);
    const body = JSON.stringify({ source: 'network', target: 'cmdb' });
    const post = async (headers: Record<string, string>): Promise<[number, string | undefined]> => {
      const init = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } };
      const answer = await board.ask<{ code?: string; run?: { id: string } }>('api/runs', init);
      if (answer.body.run !== undefined) await ended(board, answer.body.run.id);
      return [answer.status, answer.body.code];
    };
    const refused = [403, 'NOT_SAME_ORIGIN'];
    expect(await post({ 'sec-fetch-site': 'cross-site' })).toEqual(refused);
    expect(await post({ 'sec-fetch-site': 'same-site' })).toEqual(refused);
    expect(await post({ 'sec-fetch-site': 'cross-site', origin })).toEqual(refused);
    expect(await post({ origin: 'http://evil.example.com' })).toEqual(refused);
    expect(await post({ origin: 'null' })).toEqual(refused);
    expect(await post({ origin: `http://${host}.example.com` })).toEqual(refused);
    expect(await post({ origin: 'http://evil.example.com', 'x-forwarded-host': 'evil.example.com' })).toEqual(refused);
    expect(await post({ 'content-type': 'text/plain' })).toEqual([415, 'NOT_JSON']);
    expect(await post({ 'content-type': 'application/x-www-form-urlencoded' })).toEqual([415, 'NOT_JSON']);
    expect(await post({ 'sec-fetch-site': 'same-origin', origin })).toEqual([202, undefined]);
    expect(await post({ origin })).toEqual([202, undefined]);
    expect(await post({ origin: 'https://tools.example.com' })).toEqual([202, undefined]);
  });

  it('answers each error with status, code and message, and checks all that it is given', async () => {
    const board = await startBoard();
    [board.network.content, board.cmdb.content] = [AFTER, BEFORE];
    const { run } = await dryRun(board);
    const wrong: readonly (readonly [string, number, string])[] = [
      ['api/store?store=none', 404, 'STORE_NOT_FOUND'],
      ['api/store?store=a&store=b', 400, 'BAD_REQUEST'],
      ['api/objects?store=cmdb', 400, 'BAD_REQUEST'],
      ['api/objects?store=cmdb&model=../device', 400, 'BAD_REQUEST'],
      ['api/objects?store=cmdb&model=device&limit=100000', 400, 'BAD_REQUEST'],
      ['api/objects?store=cmdb&model=device&after=x', 400, 'VALUE_ERROR'],
      ['api/objects?store=cmdb&model=device&search=r&after=1,x', 400, 'VALUE_ERROR'],
      ['api/object?store=cmdb&model=device&uid=none', 404, 'OBJECT_NOT_FOUND'],
      ['api/runs?target=none', 404, 'ADAPTER_NOT_FOUND'],
      ['api/runs?after=x', 400, 'BAD_REQUEST'],
      ['api/runs/none?target=cmdb', 404, 'RUN_NOT_FOUND'],
      ['api/runs/none', 400, 'BAD_REQUEST'],
      ['api/runs/a%2Fb?target=cmdb', 400, 'BAD_REQUEST'],
      ['api/runs/none/changes?target=cmdb', 404, 'RUN_NOT_FOUND'],
      ['api/runs/none/events?target=cmdb', 404, 'RUN_NOT_FOUND'],
      [`api/runs/${run.id}/changes?target=cmdb&action=drop`, 400, 'BAD_REQUEST'],
    ];
    for (const [path, status, code] of wrong) {
      const answer = await board.ask(path);
      expect([path, answer.status, answer.body]).toEqual([
        path,
        status,
        { statusCode: status, code, message: expect.any(String) },
      ]);
    }
    const posts: readonly (readonly [string, object, number, string])[] = [
      ['api/runs', { source: 'network', target: 'none' }, 404, 'ADAPTER_NOT_FOUND'],
      ['api/runs', { source: 'cmdb', target: 'cmdb' }, 400, 'VALUE_ERROR'],
      ['api/runs', { source: 'network', target: 'cmdb', guards: false }, 400, 'BAD_REQUEST'],
      ['api/runs/none/approve', { target: 'cmdb' }, 404, 'RUN_NOT_FOUND'],
      [`api/runs/${run.id}/apply`, { target: 'cmdb', onStale: 'force' }, 400, 'BAD_REQUEST'],
      [`api/runs/${run.id}/undo`, { target: 'cmdb' }, 400, 'VALUE_ERROR'],
    ];
    for (const [path, body, status, code] of posts) {
      const answer = await board.post(path, body);
      expect([path, answer.status, answer.body]).toEqual([
        path,
        status,
        expect.objectContaining({ statusCode: status, code }),
      ]);
    }
  });

  it('is described by a valid OpenAPI document', async () => {
    const board = await startBoard();
    const { body } = await board.ask<{ paths: object }>('api/openapi.json');
    expect(await new Validator().validate(body)).toMatchObject({ valid: true });
    expect(Object.keys(body.paths)).toHaveLength(14);
  });

  it('shows a store that is away as such, and the others', async () => {
    const board = await startBoard();
    await board.cmdb.store.close();
    const { stores: all } = await get<StoreList>(board, 'api/stores', answers.StoreList);
    expect(all.find(({ store }) => store === 'cmdb')).toMatchObject({
      health: { status: 'down', code: 'STORE_CLOSED' },
      models: null,
      objects: null,
    });
    const { unavailable } = await get<BoardRunPage>(board, 'api/runs', answers.BoardRunPage);
    expect(unavailable).toMatchObject([{ target: 'cmdb', code: 'STORE_CLOSED' }]);
    const answer = await board.ask('api/objects?store=cmdb&model=device');
    expect([answer.status, answer.body]).toEqual([503, expect.objectContaining({ code: 'STORE_CLOSED' })]);
  });

  it.each(['express', 'fastify'] as const)(
    'tells who watches a run that the application has ended it, on %s',
    async (platform) => {
      const board = await startBoard({ platform });
      [board.network.content, board.cmdb.content] = [AFTER, BEFORE];
      // A load that never ends by itself.
      board.network.pause = () =>
        new Promise((_, reject) => {
          board.network.loadSignal.addEventListener('abort', () => reject(new Error('ended')));
        });
      const { body } = await board.post<RunStarted>('api/runs', { source: 'network', target: 'cmdb' });
      const url = new URL(`api/runs/${body.run.id}/events?target=cmdb`, board.base);
      const response = await fetch(url, { headers: { 'x-user': 'bob' } });
      let text = '';
      let closed: Promise<void> | undefined;
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += chunk;
        if (text.includes('load-source')) closed ??= board.app.close();
      }
      await closed;
      const [, data = ''] = /event: ended\n(?:id: .*\n)?data: (.*)/.exec(text) ?? [];
      expect(JSON.parse(data)).toMatchObject({ run: { id: body.run.id, outcome: 'aborted' } });
    },
  );

  it('takes the options of runs from the application, and none from a request', async () => {
    const seen: string[] = [];
    const board = await startBoard({
      board: {
        runOptions: ({ kind, source, target }) => {
          seen.push(`${kind} ${source.name} ${target.name}`);
          return { load: 'none', modelTypes: ['site'] };
        },
      },
    });
    board.network.content = AFTER;
    const { run } = await dryRun(board);
    expect(run.phases.map(({ phase }) => phase)).not.toContain('load-source');
    expect(seen).toEqual(['dry-run network cmdb']);
  });
});
