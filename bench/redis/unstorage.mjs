import { createStorage } from 'unstorage';
import redisDriver from 'unstorage/drivers/redis';

/** Objects in one call: the driver gives a call's keys to one MGET, and many more would not fit the call stack. */
const CHUNK = 10_000;

export async function open(url) {
  const storage = createStorage({ driver: redisDriver({ url, base: 'bench', scanCount: 1000 }) });
  const write = (devices) => storage.setItems(devices.map((value) => ({ key: value.name, value })));
  const read = async (names) => {
    const devices = [];
    for (let at = 0; at < names.length; at += CHUNK) {
      for (const { value } of await storage.getItems(names.slice(at, at + CHUNK))) devices.push(value);
    }
    return devices;
  };
  return {
    items: (devices) => devices,
    addMany: write,
    add: (device) => storage.setItem(device.name, device),
    updateMany: write,
    get: (name) => storage.getItem(name),
    getByUids: read,
    getAll: async () => read(await storage.getKeys()),
    count: async () => (await storage.getKeys()).length,
    removeMany: (devices) => Promise.all(devices.map(({ name }) => storage.removeItem(name))),
    close: () => storage.dispose(),
  };
}
