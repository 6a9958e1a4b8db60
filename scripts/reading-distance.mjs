/**
 * How far a reader has to walk to follow one `RedisStore.add`: `node scripts/reading-distance.mjs [FILE.tgz] [--trace]`
 * counts, for this repository's build or a packed one, once a model is known and all is warm:
 *
 * - functions and files of ours that the call enters (V8's precise coverage; functions with a name),
 * - entries into functions (callbacks too), how often the next entry is in another file, and how often that file was left before.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { withServer } from '../bench/redis/server.mjs';
import { copyBuild, unpackBuild } from './packed-build.mjs';

const WARM_UP = 3;

const { values, positionals } = parseArgs({ options: { trace: { type: 'boolean' } }, allowPositionals: true });
const folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-distance-'));
try {
  const root = join(folder, 'build');
  await (positionals[0] === undefined ? copyBuild(root) : unpackBuild(positionals[0], root));
  await withServer((url) => measure(root, url));
} finally {
  await rm(folder, { recursive: true });
}

async function measure(root, url) {
  let entries = [];
  globalThis.__entered = (file, name) => entries.push({ file, name });
  register('./instrument-functions.mjs', import.meta.url, { data: { root } });
  const load = (file) => import(pathToFileURL(join(root, 'dist', file)).href);
  const { DiffSyncModel } = await load('index.js');
  const { RedisStore } = await load('store/redis/index.js');
  const { z } = await import('zod');
  class Device extends DiffSyncModel.define({
    name: 'device',
    schema: z.object({ name: z.string(), role: z.string(), site: z.string(), vlan: z.number() }),
    identifiers: ['name'],
    attributes: ['role', 'site', 'vlan'],
  }) {}

  const store = await RedisStore.connect({ url, storeId: 'distance' });
  const session = new Session();
  session.connect();
  try {
    const devices = Array.from(
      { length: WARM_UP + 1 },
      (_, at) => new Device({ name: `r${at}`, role: 'leaf', site: 'ams', vlan: at }),
    );
    for (const obj of devices.slice(1)) await store.add({ obj });
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    await session.post('Profiler.takePreciseCoverage');
    entries = [];
    await store.add({ obj: devices[0] });
    const walked = entries;
    const { result } = await session.post('Profiler.takePreciseCoverage');
    if (values.trace) printTrace(walked);
    print(countFunctions(result, pathToFileURL(`${root}/dist/`).href), countChanges(walked));
  } finally {
    session.disconnect();
    await store.close();
  }
}

function countFunctions(scripts, prefix) {
  let functions = 0;
  const files = new Set();
  for (const { url, functions: all } of scripts) {
    if (!url.startsWith(prefix)) continue;
    const called = all.filter(({ functionName, ranges }) => functionName !== '' && ranges[0].count > 0);
    functions += called.length;
    if (called.length > 0) files.add(url);
  }
  return { functions, files: files.size };
}

function countChanges(walked) {
  const left = new Set();
  let [changes, back] = [0, 0];
  for (const [at, { file }] of walked.entries()) {
    const before = walked[at - 1]?.file;
    if (before === undefined || before === file) continue;
    changes++;
    left.add(before);
    if (left.has(file)) back++;
  }
  return { entries: walked.length, changes, back };
}

function print({ functions, files }, { entries, changes, back }) {
  console.log(`functions            ${functions}`);
  console.log(`files                ${files}`);
  console.log(`entries              ${entries}`);
  console.log(`changes of file      ${changes}`);
  console.log(`back to a file left  ${back}`);
}

function printTrace(walked) {
  let last;
  for (const { file, name } of walked) {
    console.log(file === last ? `  ${name}` : `${file}\n  ${name}`);
    last = file;
  }
}
