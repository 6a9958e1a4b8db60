import KeyvRedis from '@keyv/redis';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';

export async function open(url) {
  const cache = createCache({ stores: [new Keyv({ store: new KeyvRedis(url), namespace: 'bench' })] });
  const write = (devices) => cache.mset(devices.map((value) => ({ key: value.name, value })));
  return {
    items: (devices) => devices,
    addMany: write,
    add: (device) => cache.set(device.name, device),
    updateMany: write,
    get: (name) => cache.get(name),
    getByUids: (names) => cache.mget(names),
    removeMany: (devices) => cache.mdel(devices.map(({ name }) => name)),
    close: () => cache.disconnect(),
  };
}
