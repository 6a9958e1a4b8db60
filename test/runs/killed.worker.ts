/** A process whose run kills it in the phase that its first argument names, in the file that the second one names. */
import { fileURLToPath } from 'node:url';
import { SyncRunner, type SyncRun } from '../../src/index.js';
import { SILENT_LOGGER } from '../../src/logging/logger.js';
import { SqliteStore } from '../../src/store/sqlite/index.js';
import { Device, Inventory, Site } from '../fixtures/inventory.js';

const DEVICES = 40;

/** The source of a round, in which each device has another role. */
class Source extends Inventory {
  constructor(private readonly round: number) {
    super({ name: 'network', logger: SILENT_LOGGER });
  }

  override async load(): Promise<void> {
    const names = Array.from({ length: DEVICES }, (_, at) => `d${at}`);
    await this.add(new Site({ name: 'nyc', devices: names }));
    await this.addMany(names.map((name) => new Device({ name, role: `role ${this.round}` })));
    this.progress(DEVICES);
  }
}

/** Runs a round in the file; `kill` is the phase in which the process ends. */
export async function round(
  path: string,
  number: number,
  kill?: string,
): Promise<{ run: SyncRun; previous: SyncRun | undefined; roles: string[] }> {
  const store = await SqliteStore.connect({ path, storeId: 'cmdb' });
  try {
    const target = new Inventory({ name: 'cmdb', store, logger: SILENT_LOGGER });
    const runner = new SyncRunner();
    const run = await runner.run({
      source: new Source(number),
      target,
      load: 'source',
      verify: true,
      // The lease of a killed process expires by itself.
      exclusive: { ttlMs: 300, waitMs: 60_000 },
      onProgress: (phase, current, total) => {
        if (phase === kill && (phase !== 'apply' || current * 2 > (total ?? 0))) process.kill(process.pid, 'SIGKILL');
      },
    });
    const previous = run.previous === undefined ? undefined : await runner.history(target).get(run.previous);
    const roles = new Set((await target.getAll(Device)).map(({ role }) => role));
    return { run, previous, roles: [...roles] };
  } finally {
    await store.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , path = '', number = '', kill = ''] = process.argv;
  await round(path, Number(number), kill);
}
