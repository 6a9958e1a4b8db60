import { createClient } from 'redis';
import { Repository, Schema } from 'redis-om';

const FIELDS = {
  name: { type: 'string' },
  role: { type: 'string' },
  site: { type: 'string' },
  vendor: { type: 'string' },
  model: { type: 'string' },
  serial: { type: 'string' },
  osVersion: { type: 'string' },
  mgmtIp: { type: 'string' },
  enabled: { type: 'boolean' },
  rack: { type: 'number' },
  tags: { type: 'string[]' },
};

/** Without RediSearch: its search, and so reading all and counting, needs the module. */
export async function open(url) {
  const redis = createClient({ url });
  await redis.connect();
  // As hashes: its other form needs the module RedisJSON.
  const repository = new Repository(new Schema('bench', FIELDS, { dataStructure: 'HASH' }), redis);
  const write = (devices) => Promise.all(devices.map((device) => repository.save(device.name, device)));
  return {
    items: (devices) => devices,
    addMany: write,
    add: (device) => repository.save(device.name, device),
    updateMany: write,
    get: (name) => repository.fetch(name),
    getByUids: (names) => repository.fetch(...names),
    removeMany: (devices) => repository.remove(...devices.map(({ name }) => name)),
    close: () => redis.quit(),
  };
}
