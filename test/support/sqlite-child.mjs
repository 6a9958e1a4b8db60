// A process of its own on a SQLite file, run from what the build made: `node sqlite-child.mjs <command> <path>`.
import { DiffSyncModel } from '../../dist/model/diffsync-model.js';
import { SqliteStore } from '../../dist/store/sqlite/index.js';

const schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

class Device extends DiffSyncModel.define({
  name: 'device',
  schema,
  identifiers: ['name'],
  attributes: ['role', 'a', 'b'],
}) {}

const BATCH = 500;
const report = (word) => process.stdout.write(`${word}\n`);

const commands = {
  /** Adds batch after batch, until it is killed. */
  async fill(store) {
    for (let batch = 0; ; batch++) {
      const objs = Array.from(
        { length: BATCH },
        (_, at) => new Device({ name: `${batch}-${at}`, role: String(batch) }),
      );
      if (batch === 1) report('filling');
      await store.addMany({ objs });
    }
  },

  /** Adds objects that another process adds too, each of its own kind, and says how many were its own. */
  async race(store, role) {
    let won = 0;
    for (let at = 0; at < 200; at++) {
      const [, created] = await store.getOrAddModelInstance(new Device({ name: `r${at}`, role }));
      if (created) won++;
    }
    report(won);
  },

  /** Counts an attribute of its own up, in an object that another process changes too. */
  async count(store, attribute) {
    for (let value = 1; value <= 200; value++) {
      await store.updateOrInstantiate({ model: Device, ids: { name: 'shared' }, attrs: { [attribute]: value } });
    }
    report('counted');
  },
};

const [command, path, argument] = process.argv.slice(2);
const store = await SqliteStore.connect({ path });
await commands[command](store, argument);
await store.close();
