import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';

/** The tests' own starter, which leaves no process behind however this one ends; as Node runs it, without its types. */
const starter = fileURLToPath(new URL('../../test/support/redis-server.ts', import.meta.url));
const { code } = await transformFile(starter, {
  configFile: false,
  swcrc: false,
  jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
  module: { type: 'es6' },
});
const { startRedis } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

/** Calls `work` with the URL of a server that keeps nothing, and stops the server whatever becomes of it. */
export async function withServer(work) {
  const server = await startRedis();
  try {
    return await work(server.url);
  } finally {
    await server.stop();
  }
}
