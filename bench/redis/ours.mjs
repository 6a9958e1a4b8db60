import { RedisStore } from 'nestjs-diffsync/redis';
import { Device } from './models.mjs';

export async function open(url) {
  const store = await RedisStore.connect({ url, storeId: 'bench' });
  return {
    items: (devices) => devices.map((device) => Device.hydrate({ ...device })),
    addMany: (objs) => store.addMany({ objs }),
    add: (obj) => store.add({ obj }),
    updateMany: (objs) => store.updateMany({ objs }),
    get: (identifier) => store.get({ model: Device, identifier }),
    getByUids: (uids) => store.getByUids({ model: Device, uids }),
    getAll: () => store.getAll({ model: Device }),
    async first() {
      for await (const device of store.iterate({ model: Device })) return device;
    },
    count: () => store.count({ model: Device }),
    modelNames: () => store.getAllModelNames(),
    removeMany: (objs) => store.removeMany({ objs }),
    close: () => store.close(),
  };
}
