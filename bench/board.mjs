/** What the board answers about a run of many changes and a model of many objects, on Redis and on SQLite. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { entryPoint } from './build.mjs';
import { ATTRIBUTES, device, trusting } from './inventories.mjs';
import { machine, median, print, round, save } from './measure.mjs';
import { withServer } from './redis/server.mjs';

const { Adapter, DiffSyncModel, DiffSyncStoreModule, SyncRunner, getStoreToken } = await entryPoint('.');
const { DiffSyncBoardModule } = await entryPoint('./board');

const SIZE = 100_000;
const REQUESTS = 20;
/** The goal: milliseconds until the first page of a run's changes is there. */
const MOST_MS = 300;

const USAGE = `npm run bench -- board [--size=n]
  --size=n  not ${SIZE.toLocaleString('en')} changes`;

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: trusting,
  identifiers: ['name'],
  attributes: ATTRIBUTES,
}) {}
class Inventory extends Adapter {
  static models = [Device];
  static topLevel = ['device'];
}

export async function run(args) {
  const { values } = parseArgs({ args, options: { size: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help) return console.log(USAGE);
  const size = Number(values.size ?? SIZE);
  const { cpu, cores, node } = machine();
  console.log(
    `${cpu}, ${cores} cores, Node ${node}; a run of ${size.toLocaleString('en')} changes, medians of ${REQUESTS} requests`,
  );
  const results = [];
  await withServer(async (url) => results.push(...(await measure('redis', { engine: 'redis', url }, size))));
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-bench-'));
  try {
    results.push(...(await measure('sqlite', { engine: 'sqlite', path: join(folder, 'board.db') }, size)));
  } finally {
    await rm(folder, { recursive: true });
  }
  print(
    ['', 'first, ms', 'median, ms', 'kB'],
    results.map(({ row, first, ms, bytes }) => [row, round(first, 0), round(ms, 0), round(bytes / 1000, 0)]),
  );
  const missed = results.filter(({ row, first }) => row.endsWith(FIRST_PAGE) && first > MOST_MS);
  console.log(
    `\nThe first page of changes, asked for the first time, is there within ${MOST_MS} ms: ${missed.length === 0}`,
  );
  await save('board', { machine: machine(), size, results });
  if (missed.length > 0) process.exitCode = 1;
}

const FIRST_PAGE = 'the first changes of a run';

async function measure(engine, store, size) {
  const app = await startApplication(store);
  try {
    const [source, target] = [app.get('network'), app.get('cmdb')];
    await source.addMany(Array.from({ length: size }, (_, at) => Device.hydrate(device(`d${at}`, at, false))));
    const { id } = await app.get(SyncRunner).run({ source, target, load: 'none', dryRun: true });
    const base = `${await app.getUrl()}/diffsync/api`;
    const middle = Math.floor(size / 2);
    const paths = {
      [FIRST_PAGE]: `runs/${id}/changes?target=cmdb`,
      'changes from the middle on': `runs/${id}/changes?target=cmdb&from=${middle}`,
      'the run': `runs/${id}?target=cmdb`,
      'all stores': 'stores',
      'the first objects of a model': 'objects?store=network&model=device',
      'one object': `object?store=network&model=device&uid=d${middle}`,
    };
    const rows = [];
    for (const [row, path] of Object.entries(paths)) {
      const times = [];
      let bytes = 0;
      for (let request = 0; request < REQUESTS; request++) {
        const began = performance.now();
        const answer = await fetch(`${base}/${path}`);
        bytes = (await answer.arrayBuffer()).byteLength;
        times.push(performance.now() - began);
        if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`);
      }
      rows.push({ row: `${engine}: ${row}`, first: times[0], ms: median(times), bytes });
    }
    return rows;
  } finally {
    await app.close();
  }
}

async function startApplication(store) {
  const sides = ['network', 'cmdb'].map((name) => ({
    provide: name,
    useFactory: (given) => new Inventory({ name, store: given }),
    inject: [getStoreToken(name)],
  }));
  const module = {
    module: class Application {},
    imports: [
      DiffSyncStoreModule.forRoot({ ...store, storeId: 'bench' }),
      DiffSyncStoreModule.forFeature(['network', 'cmdb']),
      DiffSyncBoardModule.forRoot({ guards: 'none' }),
    ],
    providers: sides,
  };
  const app = await NestFactory.create(module, { logger: ['error'], abortOnError: false });
  await app.listen(0, '127.0.0.1');
  return app;
}
