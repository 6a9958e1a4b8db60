import { Device } from './redis/models.mjs';

/** One of our stores, as the benchmarks call it. */
export function contender(store) {
  return {
    items: (devices) => devices.map((device) => Device.hydrate({ ...device })),
    addMany: (objs) => store.addMany({ objs }),
    add: (obj) => store.add({ obj }),
    updateMany: (objs) => store.updateMany({ objs }),
    get: (identifier) => store.get({ model: Device, identifier }),
    getByUids: (uids) => store.getByUids({ model: Device, uids }),
    getAll: () => store.getAll({ model: Device }),
    iterate: () => store.iterate({ model: Device }),
    async first() {
      for await (const device of store.iterate({ model: Device })) return device;
    },
    count: () => store.count({ model: Device }),
    modelNames: () => store.getAllModelNames(),
    removeMany: (objs) => store.removeMany({ objs }),
    close: () => store.close(),
  };
}
