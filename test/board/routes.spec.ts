// Who reaches what of a board: every route that the router has is guarded, and every answer has its headers.
import { afterEach, describe, expect, it } from '@jest/globals';
import { UnauthorizedException, VersioningType, type INestApplication } from '@nestjs/common';
import { map } from 'rxjs';
import { DiffSyncBoardModule, type DiffSyncBoardOptions } from '../../src/board/index.js';
import { closeApps, PLATFORMS, startBoard, UserGuard, type BoardAppOptions } from './board-app.js';

afterEach(closeApps);

interface RouteOfRouter {
  readonly method: string;
  readonly path: string;
}

/** What Express keeps of a route. */
interface Layer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
}

/** What Fastify tells of a route. */
interface Fastify {
  addHook(
    name: 'onRoute',
    note: (route: { readonly method: string | readonly string[]; readonly url: string }) => void,
  ): void;
}

/** Starts an application. @returns it, and all routes of its router. */
async function started(options: BoardAppOptions & { readonly platform: keyof typeof PLATFORMS }) {
  const routes: RouteOfRouter[] = [];
  const set = (app: INestApplication): void => {
    options.set?.(app);
    if (options.platform === 'express') return;
    const instance: Fastify = app.getHttpAdapter().getInstance();
    instance.addHook('onRoute', ({ method, url }) => {
      for (const each of [method].flat()) routes.push({ method: each, path: url });
    });
  };
  const board = await startBoard({ ...options, set });
  if (options.platform === 'express') {
    const { router } = board.app.getHttpAdapter().getInstance() as {
      readonly router: { readonly stack: readonly Layer[] };
    };
    for (const { route } of router.stack) {
      for (const method of Object.keys(route?.methods ?? {})) {
        routes.push({ method: method.toUpperCase(), path: route?.path ?? '' });
      }
    }
  }
  // Express has those of middleware besides, some with a slash at their end.
  const distinct = new Map(routes.map((route) => [`${route.method} ${route.path.replace(/\/$/, '')}`, route]));
  return { board, routes: [...distinct.values()] };
}

const HEADERS = {
  'content-security-policy':
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

function headersOf({ headers }: Response): object {
  return Object.fromEntries(Object.keys(HEADERS).map((name) => [name, headers.get(name)]));
}

const mounts: readonly (readonly [string, BoardAppOptions & { readonly at: string }])[] = [
  ['at its path', { at: 'diffsync' }],
  [
    'below a global prefix and a version',
    {
      at: 'api/v2/tools/diffsync',
      board: { path: '/tools/diffsync/' },
      set: (app) => {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.URI, defaultVersion: '2' });
      },
    },
  ],
];

describe.each(['express', 'fastify'] as const)('a board on %s', (platform) => {
  it.each(mounts)('%s: every route of the router needs the consent of the guard', async (_, options) => {
    const { board, routes } = await started({ ...options, platform });
    const ours = routes.filter(({ path }) => path.includes('diffsync'));
    const root = `/${options.at}`;
    expect(ours.every(({ path }) => path === root || path.startsWith(`${root}/`))).toBe(true);
    const described = (await board.ask<{ paths: Record<string, object> }>('api/openapi.json')).body.paths;
    const inRouter = new Set(ours.map(({ method, path }) => `${method} ${path.slice(root.length).replace(/\/$/, '')}`));
    for (const [path, methods] of Object.entries(described)) {
      const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1');
      for (const method of Object.keys(methods)) expect(inRouter).toContain(`${method.toUpperCase()} ${pattern}`);
    }
    expect([...inRouter]).toEqual(
      expect.arrayContaining(['GET ', 'GET /:asset', 'GET /api/openapi.json', 'POST /api/runs']),
    );

    for (const { method, path } of ours) {
      const url = new URL(path.replaceAll(/:\w+/g, 'index.html'), board.base);
      const response = await fetch(url, { method, redirect: 'manual' });
      expect([method, path, response.status]).toEqual([method, path, 403]);
      expect(headersOf(response)).toEqual(HEADERS);
      await response.arrayBuffer();
    }
    // The same routes answer who has it.
    for (const { path } of ours.filter(({ method, path: each }) => method === 'GET' && !each.endsWith('/events'))) {
      const response = await fetch(new URL(path.replaceAll(/:\w+/g, 'index.html'), board.base), {
        redirect: 'manual',
        headers: { 'x-user': 'alice' },
      });
      expect([path, [200, 302, 400, 404].includes(response.status)]).toEqual([path, true]);
      expect(headersOf(response)).toEqual(HEADERS);
      expect([path, response.headers.get('set-cookie')]).toEqual([path, null]);
      await response.arrayBuffer();
    }
  });

  it('decideGuards protect what changes something, besides the others', async () => {
    const { board, routes } = await started({ platform });
    const posts = routes.filter(({ method, path }) => method === 'POST' && path.includes('diffsync'));
    expect(posts).toHaveLength(4);
    for (const { path } of [...posts, { path: '/diffsync/api/decide' }]) {
      const method = path.endsWith('decide') ? 'GET' : 'POST';
      const url = new URL(path.replaceAll(/:\w+/g, 'x'), board.base);
      const response = await fetch(url, { method, headers: { 'x-user': 'bob' } });
      expect([path, response.status, (await response.json()) as object]).toEqual([
        path,
        403,
        expect.objectContaining({ message: 'Only alice decides' }),
      ]);
    }
    expect((await board.ask('api/decide')).body).toEqual({ by: 'alice' });
  });

  it('that is read-only has no route that changes something', async () => {
    const { board, routes } = await started({ platform, board: { readOnly: true } });
    const ours = routes.filter(({ path }) => path.startsWith('/diffsync'));
    expect(ours.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    expect((await board.ask('api/board')).body).toMatchObject({ readOnly: true });
    expect((await board.ask('api/decide')).status).toBe(404);
    expect((await board.post('api/runs', { source: 'network', target: 'cmdb' })).status).toBe(404);
  });

  it('sends the page under relative addresses, and again only where it has changed', async () => {
    const { board } = await started({ platform });
    const headers = { 'x-user': 'bob' };
    for (const [address, location] of [
      ['/diffsync', './diffsync/index.html'],
      ['/diffsync/', './index.html'],
    ] as const) {
      const response = await fetch(new URL(address, board.base), { redirect: 'manual', headers });
      expect([response.status, response.headers.get('location')]).toEqual([302, location]);
    }
    const page = await fetch(board.base, { headers });
    expect([page.status, page.url]).toEqual([200, `${board.base}index.html`]);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('cache-control')).toBe('private, no-cache');
    const text = await page.text();
    expect(text).toMatch(/^<!doctype html>/i);
    expect([...text.matchAll(/(?:src|href)="(?!#)([^"]*)"/g)].filter(([, url = '']) => /^\/|:/.test(url))).toEqual([]);
    expect(text).not.toMatch(/<style|\sstyle=|<script(?![^>]*src=)/);
    const etag = page.headers.get('etag') ?? '';
    const again = await fetch(page.url, { headers: { ...headers, 'if-none-match': etag } });
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
    expect(headersOf(again)).toEqual(HEADERS);
    for (const other of ['..%2f..%2fpackage.json', '%2e%2e%2fpackage.json', 'toString', 'none.js']) {
      const response = await fetch(`${board.base}${other}`, { headers });
      expect([other, response.status]).toEqual([other, 404]);
    }
  });

  it('runs the interceptors of the application, and an envelope of theirs does not reach it', async () => {
    let calls = 0;
    const { board } = await started({
      platform,
      interceptor: {
        intercept: (_, next) => {
          calls++;
          return next.handle().pipe(map((data: unknown) => ({ data })));
        },
      },
    });
    expect((await board.ask('api/board')).body).toMatchObject({ readOnly: false });
    expect(calls).toBe(1);
  });

  it('leaves the errors of guards to the application', async () => {
    const guard = {
      canActivate: (): boolean => {
        throw new UnauthorizedException('Sign in first');
      },
    };
    const { board } = await started({ platform, board: { guards: [guard] } });
    const { status, body } = await board.ask('api/stores');
    expect([status, body]).toEqual([401, { statusCode: 401, message: 'Sign in first', error: 'Unauthorized' }]);
  });

  it('twice, each with guards of its own', async () => {
    const open = DiffSyncBoardModule.forRoot({ path: 'open', guards: 'none', readOnly: true });
    const { board } = await started({ platform, imports: [open] });
    expect((await fetch(new URL('/diffsync/api/board', board.base))).status).toBe(403);
    const answer = await fetch(new URL('/open/api/board', board.base));
    expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ readOnly: true })]);
    expect(headersOf(answer)).toEqual(HEADERS);
  });
});

describe('DiffSyncBoardModule.forRoot()', () => {
  const wrong: readonly (readonly [string, object, RegExp])[] = [
    ['without guards', {}, /guards: .*'none'/],
    ['with no guard', { guards: [] }, /guards/],
    ['with what is no guard', { guards: [UserGuard, 'admin'] }, /guards/],
    ['with a wrong path', { guards: 'none', path: 'a b' }, /path: is no path/],
    ['with an empty path', { guards: 'none', path: '/' }, /path: is no path/],
    ['with a wrong origin', { guards: 'none', origins: ['tools.example.com'] }, /origins\.0: is no origin/],
    ['with an unknown option', { guards: 'none', route: 'x' }, /route/],
    ['with a user that is no function', { guards: 'none', user: 'alice' }, /user: is no function/],
  ];
  it.each(wrong)('%s does not start', (_, options, message) => {
    const start = (): unknown => DiffSyncBoardModule.forRoot(options as DiffSyncBoardOptions);
    expect(start).toThrow(expect.objectContaining({ code: 'VALUE_ERROR', message: expect.stringMatching(message) }));
  });
});
