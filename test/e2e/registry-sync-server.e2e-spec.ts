/** The example's server, driven by an HTTP client: the board on real data, behind the guard of the example. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type {
  BoardChange,
  BoardRunPage,
  ChangePage,
  RunProgress,
  RunStarted,
  RunView,
  StoreList,
  StoreView,
} from '../../src/board/index.js';
import type { SyncRun } from '../../src/index.js';
import { compile, type Compiled } from '../support/compiled.js';
import { launch, type ExampleProcess } from '../support/example-process.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

const SOURCES = 'examples/registry-sync/src';
const LIMIT_MS = 240_000;
/** A password may have colons. */
const API_TOKEN = 'sesame:street';
const BEARER = `Bearer ${API_TOKEN}`;
const SIDES = { source: 'PublishedRegistry', target: 'MirroredRegistry' };
const TARGET = `target=${SIDES.target}`;
const CHANGES = 23_956;

let compiled: Compiled;
let redis: RedisServer;
let server: Served;
const processes: ExampleProcess[] = [];

interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

interface Served {
  readonly process: ExampleProcess;
  readonly base: string;
  /** Asks for JSON; with a body, by POST. Default of `authorization`: the bearer token. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what the JSON is
  ask<T = unknown>(path: string, body?: object, authorization?: string): Promise<Answer<T>>;
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const as = (user: string): string => basic(`${user}:${API_TOKEN}`);
const headersOf = (authorization: string | undefined): Record<string, string> =>
  authorization === undefined ? {} : { authorization };

function start(env: Readonly<Record<string, string>>): ExampleProcess {
  const main = compiled.pathOf(join(SOURCES, 'main.ts'));
  const started = launch([main, '--serve'], tmpdir(), { PATH: process.env['PATH'], API_TOKEN, ...env });
  processes.push(started);
  return started;
}

async function serve(): Promise<Served> {
  const started = start({
    PORT: '0',
    DIFFSYNC_STORE_ENGINE: 'redis',
    DIFFSYNC_STORE_URL: redis.url,
    DIFFSYNC_STORE_ID: 'served',
  });
  const [, base = ''] = await started.stdout(/^Listening on (\S+)\nThe board is at \1\/diffsync\n/m);
  const ask: Served['ask'] = async (path, body, authorization = BEARER) => {
    const headers = headersOf(authorization);
    const init =
      body === undefined
        ? { headers }
        : { method: 'POST', body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } };
    const response = await fetch(`${base}${path}`, init);
    return { status: response.status, headers: response.headers, body: (await response.json()) as never };
  };
  return { process: started, base, ask };
}

type ServerEvent =
  | { readonly type: 'progress'; readonly data: RunProgress }
  | { readonly type: 'ended'; readonly data: RunView };

/** The events of a run, until the server ends the stream. */
async function* watch({ base }: Served, id: string): AsyncGenerator<ServerEvent, void, undefined> {
  const response = await fetch(`${base}/diffsync/api/runs/${id}/events?${TARGET}`, {
    headers: { authorization: BEARER },
  });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const lines = text
        .slice(0, end)
        .split('\n')
        .flatMap((line) => [...line.matchAll(/^(\w+): (.*)$/g)]);
      const fields = new Map(lines.map(([, name = '', value = '']) => [name, value]));
      text = text.slice(end + 2);
      if (fields.has('data'))
        yield { type: fields.get('event'), data: JSON.parse(fields.get('data') ?? '') } as ServerEvent;
    }
  }
}

async function allOf(served: Served, id: string): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for await (const event of watch(served, id)) events.push(event);
  return events;
}

async function endOf(served: Served, id: string): Promise<SyncRun> {
  const last = (await allOf(served, id)).at(-1);
  if (last?.type === 'ended') return last.data.run;
  throw new Error(`the stream of the run ${id} ended without its end`);
}

/** Makes a plan, and approves it as bob. @returns the id of the dry run. */
async function approved(served: Served, label: string): Promise<string> {
  const { body } = await served.ask<RunStarted>('/diffsync/api/runs', { ...SIDES, label }, as('alice'));
  expect(await endOf(served, body.run.id)).toMatchObject({ kind: 'dry-run', outcome: 'succeeded', by: 'alice', label });
  const view = await served.ask<RunView>(
    `/diffsync/api/runs/${body.run.id}/approve`,
    { target: SIDES.target },
    as('bob'),
  );
  expect([view.status, view.body.run.approval?.by, view.body.decisions]).toEqual([200, 'bob', ['apply']]);
  return body.run.id;
}

/** The last run, once it is of a kind: who posts an apply is answered only when that has gone on for a while. */
async function begun(served: Served, kind: SyncRun['kind']): Promise<SyncRun> {
  for (;;) {
    const { body } = await served.ask<BoardRunPage>(`/diffsync/api/runs?${TARGET}&limit=1`);
    const [last] = body.runs;
    if (last?.kind === kind) return last;
  }
}

/** All changes of a run that a filter leaves, page by page. */
async function changesOf(served: Served, id: string, filter: string): Promise<BoardChange[]> {
  const changes: BoardChange[] = [];
  for (let next: number | null = 0; next !== null;) {
    const page: Answer<ChangePage> = await served.ask(
      `/diffsync/api/runs/${id}/changes?${TARGET}&${filter}&limit=200&from=${next}`,
    );
    expect(page.status).toBe(200);
    expect(page.body.changes.length).toBeLessThanOrEqual(200);
    changes.push(...page.body.changes);
    next = page.body.next;
  }
  return changes;
}

async function mirrored(served: Served): Promise<StoreView> {
  return (await served.ask<StoreView>('/diffsync/api/store?store=mirrored')).body;
}

interface OpenApi {
  readonly security: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly security?: readonly object[] }>>>>;
}

async function openApiOf({ base }: Served): Promise<OpenApi> {
  return (await (await fetch(`${base}/openapi.json`)).json()) as OpenApi;
}

const routesOf = ({ paths }: OpenApi): string[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );

describe('the server of examples/registry-sync', () => {
  beforeAll(async () => {
    compiled = compile(readdirSync(SOURCES).map((name) => join(SOURCES, name)));
    redis = await startRedis();
    server = await serve();
  }, LIMIT_MS);

  afterAll(async () => {
    for (const each of processes) await each.stop();
    compiled.remove();
    await redis.stop();
  }, LIMIT_MS);

  it('describes itself by a valid OpenAPI document: its own routes, and those of the board', async () => {
    const document = await openApiOf(server);
    expect(await new Validator().validate(document as object as Record<string, unknown>)).toEqual({ valid: true });
    const { body } = await server.ask<OpenApi>('/diffsync/api/openapi.json');
    expect(await new Validator().validate(body as object as Record<string, unknown>)).toEqual({ valid: true });
    const ofBoard = routesOf(body).map((route) => route.replace(' ', ' /diffsync'));
    expect(ofBoard).toEqual(
      expect.arrayContaining(['GET /diffsync/api/stores', 'GET /diffsync/api/runs', 'POST /diffsync/api/runs']),
    );
    expect(routesOf(document).toSorted()).toEqual(['GET /assignments/{prefix}', 'GET /health', ...ofBoard].toSorted());
    expect(document.security).toEqual([{ bearer: [] }, { basic: [] }]);
    const otherwise = Object.entries(document.paths).filter(([, methods]) =>
      Object.values(methods).some(({ security }) => security !== undefined),
    );
    expect(otherwise).toMatchObject([['/health', { get: { security: [] } }]]);
  });

  it('is for who has the token, the page too; its health is for all', async () => {
    const { base } = server;
    expect((await fetch(`${base}/health`)).status).toBe(200);
    const page = ['', '/', '/index.html', '/app.js', '/app.css', '/icon.svg', '/none', '/api/openapi.json'];
    const routes = [
      ...page.map((path) => `GET /diffsync${path}`),
      ...routesOf(await openApiOf(server)).filter((route) => route !== 'GET /health'),
    ];
    const wrong = [
      undefined,
      'Bearer',
      'Bearer sesame',
      API_TOKEN,
      `Basic ${API_TOKEN}`,
      `Digest ${API_TOKEN}`,
      basic(API_TOKEN.replace(':', '')),
      basic('alice:sesame'),
      basic('alice'),
      basic(`${API_TOKEN}:`),
      basic(':'),
    ];
    for (const route of routes) {
      const [method = '', path = ''] = route.split(' ');
      for (const authorization of wrong) {
        const init = { method, headers: headersOf(authorization), redirect: 'manual' } as const;
        const { status, headers } = await fetch(`${base}${path.replace(/\{\w+\}/, 'x')}`, init);
        expect([route, authorization, status, headers.get('www-authenticate')]).toEqual([
          route,
          authorization,
          401,
          'Basic realm="registry-sync", charset="UTF-8"',
        ]);
      }
    }
  });

  it('shows the page to who has the token, and knows who decides', async () => {
    const { base, ask } = server;
    for (const authorization of [as('alice'), BEARER]) {
      const headers = { authorization };
      const index = await fetch(`${base}/diffsync`, { headers });
      expect([index.status, index.url]).toEqual([200, `${base}/diffsync/index.html`]);
      const files = [...(await index.text()).matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, file = '']) => file);
      expect(files.toSorted()).toEqual(['app.css', 'app.js', 'icon.svg']);
      for (const file of files) expect((await fetch(new URL(file, index.url), { headers })).status).toBe(200);
    }
    for (const [authorization, by] of [
      [as('alice'), 'alice'],
      [as('Zoë'), 'Zoë'],
      [BEARER, 'api'],
      [BEARER.replace('Bearer', 'bearer'), 'api'],
    ] as const) {
      expect(await ask('/diffsync/api/decide', undefined, authorization)).toMatchObject({ status: 200, body: { by } });
    }
    expect(await ask('/diffsync/api/stores', undefined, as(''))).toMatchObject({ status: 200 });
    expect(await ask('/diffsync/api/runs', SIDES, as(''))).toMatchObject({ status: 403, body: { code: 'NO_USER' } });
  });

  it('answers errors with their code', async () => {
    const { base, ask } = server;
    for (const [path, status, code] of [
      [`/diffsync/api/runs/x?${TARGET}`, 404, 'RUN_NOT_FOUND'],
      [`/diffsync/api/runs/x/events?${TARGET}`, 404, 'RUN_NOT_FOUND'],
      [`/diffsync/api/runs/x/changes?${TARGET}`, 404, 'RUN_NOT_FOUND'],
      ['/diffsync/api/runs?target=none', 404, 'ADAPTER_NOT_FOUND'],
      [`/diffsync/api/runs?${TARGET}&limit=0`, 400, 'BAD_REQUEST'],
      [`/diffsync/api/runs/x/changes?${TARGET}&action=remove`, 400, 'BAD_REQUEST'],
      [`/diffsync/api/runs/x/changes?${TARGET}&from=-1`, 400, 'BAD_REQUEST'],
    ] as const) {
      expect([path, await ask(path)]).toMatchObject([path, { status, body: { statusCode: status, code } }]);
    }
    expect(await ask('/diffsync/api/runs', { ...SIDES, dryRun: false })).toMatchObject({ status: 400 });
    for (const type of ['text/plain;charset=UTF-8', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const headers = { authorization: BEARER, 'content-type': type };
      const init = { method: 'POST', body: JSON.stringify(SIDES), headers };
      expect([type, (await fetch(`${base}/diffsync/api/runs`, init)).status]).toEqual([type, 415]);
    }
    const elsewhere = {
      authorization: BEARER,
      'content-type': 'application/json',
      origin: 'https://elsewhere.example',
    };
    const posted = { method: 'POST', body: JSON.stringify(SIDES), headers: elsewhere };
    expect((await fetch(`${base}/diffsync/api/runs`, posted)).status).toBe(403);
    expect(await ask('/assignments/000000')).toMatchObject({ status: 404 });
    expect(await ask('/nothing')).toMatchObject({ status: 404 });
    expect((await ask<BoardRunPage>('/diffsync/api/runs')).body.runs).toEqual([]);
  });

  it(
    'plans a run, applies what was approved, goes on after a SIGTERM where it was ended, and takes back what it did',
    async () => {
      const first = server;
      // Both are here before either can end.
      const both = await Promise.all(
        [1, 2].map(() => first.ask<RunStarted & { code?: string }>('/diffsync/api/runs', SIDES, as('alice'))),
      );
      expect(new Set(both.map(({ status }) => status))).toEqual(new Set([202, 409]));
      expect(both.find(({ status }) => status === 409)?.body).toMatchObject({
        code: 'SYNC_IN_PROGRESS',
        message: expect.stringContaining('alice'),
      });
      const begin = both.find(({ status }) => status === 202) as Answer<RunStarted>;
      const plan = begin.body.run;
      expect(plan).toMatchObject({ kind: 'dry-run', outcome: 'running', by: 'alice' });
      const location = new URL(begin.headers.get('location') ?? '', `${first.base}/diffsync/api/runs`);
      expect(location.href).toBe(`${first.base}/diffsync/api/runs/${plan.id}?${TARGET}`);

      // Two clients: each gets the state as it is when it comes, and the end.
      const watched = await Promise.all([allOf(first, plan.id), allOf(first, plan.id)]);
      for (const events of watched) {
        expect(events[0]).toMatchObject({ type: 'progress', data: { run: plan.id } });
        expect(events.at(-1)).toMatchObject({
          type: 'ended',
          data: { run: { id: plan.id, outcome: 'succeeded', changes: CHANGES }, decisions: ['approve'] },
        });
        const { phases } = (events.at(-2) as ServerEvent).data as RunProgress;
        const work = ['compare', 'guard', 'load-source', 'load-target', 'record'];
        expect(phases.map(({ phase }) => phase).toSorted()).toEqual(work);
        for (const { current, total } of phases) expect(current).toBe(total);
      }
      expect(await allOf(first, plan.id)).toEqual([watched[0]?.at(-1)]);
      const shown = await first.ask(`/diffsync/api/runs/${plan.id}?${TARGET}`);
      expect(shown.body).toEqual(watched[0]?.at(-1)?.data);

      const changes = await changesOf(first, plan.id, 'model=assignment&action=update&action=delete');
      expect(new Set(changes.map(({ index }) => index)).size).toBe(4_728);
      expect(changes.filter(({ action }) => action === 'delete')).toMatchObject([
        { model: 'assignment', uid: '7C8AC0', result: 'planned', new: null },
      ]);
      expect(await changesOf(first, plan.id, 'model=other')).toEqual([]);

      const apply = `/diffsync/api/runs/${plan.id}/apply`;
      expect(await first.ask(apply, { target: SIDES.target })).toMatchObject({
        status: 409,
        body: { code: 'RUN_NOT_APPROVED' },
      });
      const view = await first.ask(`/diffsync/api/runs/${plan.id}/approve`, { target: SIDES.target }, as('bob'));
      expect(view).toMatchObject({ status: 200, body: { run: { approval: { by: 'bob' } }, decisions: ['apply'] } });

      const posted = first.ask(apply, { target: SIDES.target });
      const { id } = await begun(first, 'apply');
      const events: ServerEvent[] = [];
      let signalled = false;
      for await (const event of watch(first, id)) {
        events.push(event);
        if (signalled || event.type === 'ended') continue;
        signalled = event.data.phases.some(({ phase, current }) => phase === 'apply' && (current ?? 0) > 0);
        if (signalled) first.process.child.kill('SIGTERM');
      }
      const ended = events.at(-1)?.data;
      expect(ended).toMatchObject({
        run: { id, kind: 'apply', outcome: 'aborted', by: 'api', of: plan.id, error: { code: 'SYNC_ABORTED' } },
      });
      expect([202, 503]).toContain((await posted).status);
      expect(await first.process.ended).toMatchObject({ code: 0 });

      server = await serve();
      const second = server;
      const aborted = await second.ask<RunView>(`/diffsync/api/runs/${id}?${TARGET}`);
      expect(aborted.body).toEqual(ended);
      const before = (await mirrored(second)).objects;
      const rest = await approved(second, 'the rest');
      const applied = await second.ask<RunStarted>(`/diffsync/api/runs/${rest}/apply`, { target: SIDES.target });
      expect(applied).toMatchObject({ status: 202, body: { run: { kind: 'apply', by: 'api', label: 'the rest' } } });
      const run = await endOf(second, applied.body.run.id);
      expect(run).toMatchObject({ outcome: 'succeeded', of: rest, approval: { by: 'bob' } });
      expect((aborted.body.run.results?.done ?? 0) + (run.results?.done ?? 0)).toBe(CHANGES);

      const { body: stores } = await second.ask<StoreList>('/diffsync/api/stores');
      const models = [{ model: 'assignment', count: 53_730 }];
      const health = { status: 'up' };
      expect(stores.stores).toMatchObject([
        { store: '', engine: 'redis', storeId: 'served', address: `${redis.url}/0`, health, objects: 0 },
        { store: 'published', storeId: 'served.published', health, models, adapters: [SIDES.source] },
        { store: 'mirrored', storeId: 'served.mirrored', health, models, lastChange: { run: run.id } },
      ]);
      const object = await second.ask('/diffsync/api/object?store=mirrored&model=assignment&uid=101988');
      expect(object.body).toMatchObject({ uid: '101988', fields: expect.any(Array) });
      expect((await second.ask('/assignments/101988')).body).toMatchObject({ organization: 'Mother Computer Inc.' });

      const [created] = await second
        .ask<ChangePage>(`/diffsync/api/runs/${run.id}/changes?${TARGET}&action=create&limit=1`)
        .then(({ body }) => body.changes);
      expect(await second.ask(`/assignments/${created?.uid}`)).toMatchObject({ status: 200, body: created?.new });
      const undo = await second.ask<RunStarted>(
        `/diffsync/api/runs/${run.id}/undo`,
        { target: SIDES.target },
        as('carol'),
      );
      expect(undo.status).toBe(202);
      expect(await endOf(second, undo.body.run.id)).toMatchObject({
        kind: 'undo',
        outcome: 'succeeded',
        by: 'carol',
        results: { done: run.results?.done },
      });
      expect((await mirrored(second)).objects).toBe(before);
      expect(await second.ask(`/assignments/${created?.uid}`)).toMatchObject({ status: 404 });

      const page = await second.ask<BoardRunPage>('/diffsync/api/runs?limit=1');
      expect(page.body).toMatchObject({ runs: [{ id: undo.body.run.id }] });
      const after = await second.ask<BoardRunPage>(`/diffsync/api/runs?limit=9&after=${page.body.next}`);
      expect(after.body).toMatchObject({
        runs: [{ id: run.id }, { id: rest }, { id }, { id: plan.id }],
        next: null,
      });
    },
    LIMIT_MS,
  );

  it('answers with the code of the store, once its server is gone', async () => {
    const { ask } = server;
    await redis.stop();
    const code = expect.stringMatching(/^STORE_(UNAVAILABLE|TIMEOUT)$/) as unknown;
    const error = { status: 503, body: { statusCode: 503, code, message: expect.any(String) } };
    const answers = await Promise.all([
      ask(`/diffsync/api/runs?${TARGET}`),
      ask('/diffsync/api/runs', SIDES),
      ask('/assignments/101988'),
      ask('/diffsync/api/stores'),
      ask('/health'),
    ]);
    expect(answers).toMatchObject([
      error,
      error,
      error,
      { status: 200, body: { stores: [1, 2, 3].map(() => ({ health: { status: 'down', code }, objects: null })) } },
      { status: 503, body: { status: 'error' } },
    ]);
  });

  it('refuses what is no port with its usage and exit code 2', async () => {
    const { code, stdout, stderr } = await start({ PORT: '65536' }).ended;
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Error: PORT is "65536", which is no port number\n\nUsage: npm start/);
  });
});
