import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { afterEachTest } from './cleanups.js';
import { Redis, type RedisOptions } from 'ioredis';
import { call } from './redis-client.js';
import { startTlsRedis, type TlsRedisServer } from './redis-tls.js';
import { gone, startTestProcess, until, type Remains } from './test-process.js';

const cleanup = afterEachTest();

async function start(options: Parameters<typeof startTlsRedis>[0] = {}): Promise<TlsRedisServer> {
  const server = await startTlsRedis(options);
  cleanup(() => server.stop());
  return server;
}

/** The reply to PING, or the error of the connection. */
async function ping(url: string, options: Pick<RedisOptions, 'tls' | 'family'> = {}): Promise<string> {
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null, ...options });
  const errors: Error[] = [];
  client.on('error', (error) => errors.push(error));
  try {
    return await client.ping();
  } catch (error) {
    return String(errors[0] ?? error);
  } finally {
    // On an ended client disconnect() leaves a timer that keeps the process alive for 2 s.
    if (client.status !== 'end') client.disconnect();
  }
}

describe('startTlsRedis()', () => {
  it('gives a server that a client which trusts its CA can use', async () => {
    const server = await start();
    expect(server.url).toBe(`rediss://127.0.0.1:${server.port}`);
    expect(await ping(server.url, { tls: { ca: server.ca } })).toBe('PONG');
    expect(await ping(`rediss://localhost:${server.port}`, { tls: { ca: server.ca }, family: 4 })).toBe('PONG');
  });

  it('refuses a client without TLS, and is refused by one that does not trust its CA', async () => {
    const server = await start();
    expect(await ping(server.url.replace('rediss:', 'redis:'))).toMatch(/ECONNRESET|EPIPE/);
    expect(await ping(server.url)).toMatch(/self-signed certificate|unable to verify/);
  });

  it('with clientCertificates refuses a client without one of its CA', async () => {
    const [server, other] = await Promise.all([start({ clientCertificates: true, password: 'secret' }), start()]);
    const { ca, cert, key } = server;
    expect(await ping(server.url, { tls: { ca, cert, key } })).toBe('PONG');
    expect(await call(server, 'PING')).toBe('PONG');
    expect(await ping(server.url, { tls: { ca } })).toMatch(/certificate required|ECONNRESET|EPIPE/);
    expect(await ping(server.url, { tls: { ca, cert: other.cert, key: other.key } })).toMatch(
      /unknown ca|ECONNRESET|EPIPE/,
    );
  });

  it('restarts with the same certificates', async () => {
    const server = await start();
    server.kill('SIGKILL');
    const restarted = await server.restart();
    cleanup(() => restarted.stop());
    expect(await ping(server.url, { tls: { ca: server.ca } })).toBe('PONG');
  });
});

describe('nothing is left', () => {
  it('after stop()', async () => {
    const server = await start();
    expect(existsSync(server.folder)).toBe(true);
    await server.stop();
    expect(gone([server])).toBe(true);
  });

  it('2 s after SIGKILL of the test process', async () => {
    const test = await startTestProcess(`
      import { startTlsRedis } from './redis-tls.js';
      const { pid, folder } = await startTlsRedis();
      const report = [{ pid, folder }];`);
    cleanup(test.cleanup);
    const servers = test.report as Remains[];
    expect(gone(servers)).toBe(false);
    test.main.kill('SIGKILL');
    await test.exited;
    await until(() => gone(servers), 2_000);
  });
});
