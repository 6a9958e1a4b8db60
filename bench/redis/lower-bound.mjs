import { Redis } from 'ioredis';
import { importFile } from '../build.mjs';
import { inWindow, read, WRITE_CHUNK } from './bare.mjs';
import { Device } from './models.mjs';

const { defineScripts } = await importFile('dist/store/redis/scripts/scripts.js');

const [INDEX, STATE, PREFIX] = ['index', 'state', ''].map((kind) => `diffsync${kind && '.'}${kind}:least:device:`);
const [LAYOUT, NO_TTL, LAST] = ['1', '0', ''];
const HOUR_MS = 3_600_000;

/**
 * The lower bound of what a store costs that adds objects by RedisStore's atomic commands and reads them as objects of a
 * model: it only sends the command, and only makes the object. There is no check of what is stored, no batching, no timeout
 * and no retry. More cannot be gained in this process.
 */
export async function open(url) {
  const redis = new Redis(url);
  defineScripts(redis, { cluster: false });
  const deadline = String(Date.now() + HOUR_MS);
  let writes = 0;
  const insert = (devices) => {
    const items = [];
    for (const device of devices) items.push(device.name, JSON.stringify(device));
    return redis.diffsyncInsert(
      INDEX,
      STATE,
      PREFIX,
      'client',
      String(++writes),
      deadline,
      LAYOUT,
      NO_TTL,
      LAST,
      items,
    );
  };
  const readAll = (names) => read(redis, names, (name) => PREFIX + name, decode);
  return {
    items: (devices) => devices,
    add: (device) => insert([device]),
    addMany: (devices) => inWindow(devices, WRITE_CHUNK, insert),
    get: async (name) => decode(await redis.get(PREFIX + name)),
    getByUids: readAll,
    getAll: readAll,
    close: () => redis.quit(),
  };
}

const decode = (text) => Device.hydrate(JSON.parse(text));
