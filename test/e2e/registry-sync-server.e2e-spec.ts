/** The example's HTTP API, driven by an HTTP client. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunChange, SyncRun } from '../../src/index.js';
import { compile, type Compiled } from '../support/compiled.js';
import { launch, type ExampleProcess } from '../support/example-process.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

const SOURCES = 'examples/registry-sync/src';
const LIMIT_MS = 240_000;
const API_TOKEN = 'sesame-street';
const AUTHORIZED = { authorization: `Bearer ${API_TOKEN}` };

let compiled: Compiled;
let redis: RedisServer;
const processes: ExampleProcess[] = [];

beforeAll(async () => {
  compiled = compile(readdirSync(SOURCES).map((name) => join(SOURCES, name)));
  redis = await startRedis();
});

afterEach(async () => {
  for (const each of processes.splice(0)) await each.stop();
}, LIMIT_MS);

afterAll(async () => {
  compiled.remove();
  await redis.stop();
});

/** What makes a request a POST. */
interface Posted {
  readonly method: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Served {
  readonly process: ExampleProcess;
  readonly base: string;
  /** An authorized request. @returns the status and the JSON of the answer. */
  ask(path: string, init?: Posted): Promise<{ status: number; body: unknown }>;
}

async function serve(env: Readonly<Record<string, string>> = {}): Promise<Served> {
  const main = compiled.pathOf(join(SOURCES, 'main.ts'));
  const started = launch([main, '--serve'], tmpdir(), { PATH: process.env['PATH'], API_TOKEN, PORT: '0', ...env });
  processes.push(started);
  const [, base = ''] = await started.stdout(/^Listening on (\S+)\n/m);
  const ask: Served['ask'] = async (path, init) => {
    const response = await fetch(`${base}${path}`, { ...init, headers: { ...AUTHORIZED, ...init?.headers } });
    return { status: response.status, body: await response.json() };
  };
  return { process: started, base, ask };
}

const onRedis = (storeId: string): Record<string, string> => ({
  DIFFSYNC_STORE_ENGINE: 'redis',
  DIFFSYNC_STORE_URL: redis.url,
  DIFFSYNC_STORE_ID: storeId,
});

const posted = (body: object): Posted => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
});

interface ServerEvent {
  readonly type: string;
  readonly data: unknown;
}

/** The events of a run, until the server ends the stream. */
async function* watch(base: string, id: string): AsyncGenerator<ServerEvent, void, undefined> {
  const response = await fetch(`${base}/runs/${id}/events`, { headers: AUTHORIZED });
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
        yield { type: fields.get('event') ?? 'message', data: JSON.parse(fields.get('data') ?? '') };
    }
  }
}

async function allOf(base: string, id: string): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for await (const event of watch(base, id)) events.push(event);
  return events;
}

interface Progress {
  readonly phases: readonly { readonly phase: string; readonly current: number; readonly total: number | null }[];
}

describe('the HTTP API of examples/registry-sync', () => {
  it('is for who has the token; its health is for all', async () => {
    const { base, ask } = await serve();
    expect((await fetch(`${base}/health`)).status).toBe(200);
    for (const authorization of [undefined, 'Bearer sesame', `Basic ${API_TOKEN}`, API_TOKEN, 'Bearer']) {
      for (const path of ['/runs', '/runs/x', '/runs/x/events', '/runs/x/changes', '/stores', '/assignments/000000']) {
        const headers = authorization === undefined ? {} : { authorization };
        expect([path, authorization, (await fetch(`${base}${path}`, { headers })).status]).toEqual([
          path,
          authorization,
          401,
        ]);
      }
      const headers = authorization === undefined ? {} : { authorization };
      expect((await fetch(`${base}/runs`, { method: 'POST', headers })).status).toBe(401);
    }
    expect(await ask('/runs')).toEqual({ status: 200, body: { runs: [] } });
  });

  it(
    'plans and performs runs, one at a time, and shows them while they run and afterwards',
    async () => {
      const { base, ask } = await serve(onRedis('runs'));
      // Both are here before either can end.
      const both = await Promise.all([1, 2].map(() => ask('/runs', posted({ dryRun: true, by: 'alice' }))));
      expect(new Set(both.map(({ status }) => status))).toEqual(new Set([202, 409]));
      expect(both.find(({ status }) => status === 409)?.body).toMatchObject({
        statusCode: 409,
        code: 'SYNC_IN_PROGRESS',
        message: expect.stringContaining('alice'),
      });
      const plan = both.find(({ status }) => status === 202)?.body as SyncRun;
      expect(plan).toMatchObject({ kind: 'dry-run', outcome: 'running', by: 'alice' });

      const events = await allOf(base, plan.id);
      expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['progress', 'ended']));
      expect(events.at(-1)).toMatchObject({
        type: 'ended',
        data: { id: plan.id, outcome: 'succeeded', changes: 23_956 },
      });
      const { phases } = (events.at(-2) as ServerEvent).data as Progress;
      expect(phases.map(({ phase }) => phase).toSorted()).toEqual(['compare', 'load-source', 'load-target']);
      for (const { current, total } of phases) expect(current).toBe(total);

      const started = await ask('/runs', posted({ label: 'by hand' }));
      const run = started.body as SyncRun;
      expect([started.status, run.kind, run.label, run.previous]).toEqual([202, 'sync', 'by hand', plan.id]);
      // Two clients: each gets the state as it is when it comes, and the end.
      const [first, second] = await Promise.all([allOf(base, run.id), allOf(base, run.id)]);
      for (const seen of [first, second]) {
        expect(seen[0]).toMatchObject({ type: 'progress', data: { run: run.id } });
        expect(seen.at(-1)).toMatchObject({ type: 'ended', data: { outcome: 'succeeded', results: { done: 23_956 } } });
      }
      expect(await allOf(base, run.id)).toEqual([first?.at(-1)]);
      expect(await ask(`/runs/${run.id}`)).toEqual({ status: 200, body: first?.at(-1)?.data });

      const page = await ask('/runs?limit=1');
      expect(page.body).toMatchObject({ runs: [{ id: run.id }], next: run.id });
      expect((await ask(`/runs?limit=1&after=${run.id}`)).body).toMatchObject({ runs: [{ id: plan.id }] });

      const { body: stores } = await ask('/stores');
      expect(stores).toMatchObject([
        { name: null, engine: 'redis', storeId: 'runs', address: `${redis.url}/0`, objects: {} },
        { name: 'published', storeId: 'runs.published', objects: { assignment: 53_730 } },
        { name: 'mirrored', storeId: 'runs.mirrored', objects: { assignment: 53_730 } },
      ]);

      const changes: RunChange[] = [];
      let pages = 0;
      for (let next: number | null = 0; next !== null; pages++) {
        const filter = `model=assignment&action=update&action=delete&limit=1000&cursor=${next}`;
        const { status, body } = await ask(`/runs/${run.id}/changes?${filter}`);
        expect(status).toBe(200);
        const { changes: some, next: after } = body as { changes: RunChange[]; next: number | null };
        changes.push(...some);
        next = after;
      }
      expect([pages, changes.length]).toEqual([5, 4_728]);
      expect(new Set(changes.map(({ index }) => index)).size).toBe(4_728);
      expect(changes.filter(({ action }) => action === 'delete')).toMatchObject([
        { model: 'assignment', uid: '7C8AC0', result: 'done', new: null },
      ]);
      expect((await ask(`/runs/${run.id}/changes?model=other`)).body).toEqual({ changes: [], next: null });
    },
    LIMIT_MS,
  );

  it('is described by a valid OpenAPI document', async () => {
    const { base } = await serve();
    const response = await fetch(`${base}/openapi.json`);
    const document = (await response.json()) as {
      readonly openapi: string;
      readonly paths: Readonly<
        Record<
          string,
          Readonly<Record<string, { readonly parameters: readonly { name: string; required: boolean }[] }>>
        >
      >;
    };
    const { valid, errors } = await new Validator().validate(document);
    expect([valid, errors]).toEqual([true, undefined]);
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(routes.toSorted()).toEqual([
      'get /assignments/{prefix}',
      'get /health',
      'get /runs',
      'get /runs/{id}',
      'get /runs/{id}/changes',
      'get /runs/{id}/events',
      'get /stores',
      'post /runs',
    ]);
    const { parameters = [] } = document.paths['/runs/{id}/changes']?.['get'] ?? {};
    expect(parameters.map(({ name, required }) => [name, required])).toEqual([
      ['id', true],
      ['model', false],
      ['action', false],
      ['limit', false],
      ['cursor', false],
    ]);
    const { paths } = document;
    const open = Object.entries(paths).filter(([, methods]) =>
      Object.values(methods).some((each) => !('security' in each)),
    );
    expect(open.map(([path]) => path)).toEqual(['/health']);
  });

  it('answers errors with their code', async () => {
    const { base, ask } = await serve();
    for (const path of ['/runs/x', '/runs/x/events', '/runs/x/changes', '/runs?after=x']) {
      const { status, body } = await ask(path);
      expect([path, status, body]).toEqual([
        path,
        404,
        { statusCode: 404, code: 'RUN_NOT_FOUND', message: expect.any(String) },
      ]);
    }
    for (const path of [
      '/runs?limit=0',
      '/runs?before=x',
      '/runs/x/changes?action=remove',
      '/runs/x/changes?actions=delete',
      '/runs/x/changes?cursor=-1',
    ]) {
      expect([path, (await ask(path)).status]).toEqual([path, 400]);
    }
    expect((await ask('/runs', posted({ dryrun: true }))).status).toBe(400);
    for (const type of ['text/plain;charset=UTF-8', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const said = { ...posted({ dryRun: true }), headers: { 'content-type': type } };
      expect([type, (await ask('/runs', said)).status]).toEqual([type, 415]);
    }
    expect((await ask('/runs')).body).toEqual({ runs: [] });
    expect((await fetch(`${base}/nothing`, { headers: AUTHORIZED })).status).toBe(404);
  });

  it('answers 503 with the code of the store, once its server is gone', async () => {
    const own = await startRedis();
    try {
      const { ask } = await serve({ ...onRedis('gone'), DIFFSYNC_STORE_URL: own.url });
      await own.stop();
      for (const [path, init] of [
        ['/runs', undefined],
        ['/runs', posted({})],
        ['/stores', undefined],
      ] as const) {
        const { status, body } = await ask(path, init);
        expect([status, body]).toEqual([
          503,
          {
            statusCode: 503,
            code: expect.stringMatching(/^STORE_(UNAVAILABLE|TIMEOUT)$/),
            message: expect.any(String),
          },
        ]);
      }
    } finally {
      await own.stop();
    }
  });

  it(
    'SIGTERM ends a run that is under way as aborted, and the streams of its clients; the next run does the rest',
    async () => {
      const first = await serve(onRedis('ends'));
      const { body } = await first.ask('/runs', posted({}));
      const { id } = body as SyncRun;
      const events: ServerEvent[] = [];
      for await (const event of watch(first.base, id)) {
        const isApplying = (event.data as Progress).phases?.some(
          ({ phase, current }) => phase === 'apply' && current > 0,
        );
        if (isApplying && events.at(-1)?.type !== 'signal') {
          first.process.child.kill('SIGTERM');
          events.push({ type: 'signal', data: null });
        }
        events.push(event);
      }
      expect(events.at(-1)).toMatchObject({
        type: 'ended',
        data: { id, outcome: 'aborted', error: { code: 'SYNC_ABORTED' } },
      });
      expect(await first.process.ended).toMatchObject({ code: 0 });

      const second = await serve(onRedis('ends'));
      const aborted = await second.ask(`/runs/${id}`);
      expect(aborted.body).toEqual(events.at(-1)?.data);
      const next = (await second.ask('/runs', posted({}))).body as SyncRun;
      const end = (await allOf(second.base, next.id)).at(-1)?.data as SyncRun;
      expect(end).toMatchObject({ outcome: 'succeeded', previous: id });
      const done = ((aborted.body as SyncRun).results?.done ?? 0) + (end.results?.done ?? 0);
      expect(done).toBe(23_956);
    },
    LIMIT_MS,
  );
});
