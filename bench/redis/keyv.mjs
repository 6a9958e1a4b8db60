import KeyvRedis from '@keyv/redis';
import { Keyv } from 'keyv';

export async function open(url) {
  const keyv = new Keyv({ store: new KeyvRedis(url), namespace: 'bench', throwOnErrors: true });
  const write = (devices) => keyv.setMany(devices.map((value) => ({ key: value.name, value })));
  return {
    items: (devices) => devices,
    addMany: write,
    add: (device) => keyv.set(device.name, device),
    updateMany: write,
    get: (name) => keyv.get(name),
    getByUids: (names) => keyv.getMany(names),
    async getAll() {
      const devices = [];
      for await (const [, device] of keyv.iterator()) devices.push(device);
      return devices;
    },
    async first() {
      for await (const [, device] of keyv.iterator()) return device;
    },
    removeMany: (devices) => keyv.deleteMany(devices.map(({ name }) => name)),
    close: () => keyv.disconnect(),
  };
}
