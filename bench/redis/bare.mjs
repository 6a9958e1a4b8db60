import { Redis } from 'ioredis';

export const WRITE_CHUNK = 500;
const READ_CHUNK = 1000;
/** Chunks in flight. */
const WINDOW = 2;
const PREFIX = 'diffsync:bare:device:';

/** What an application would build from the values: an instance of a class with these fields. */
class Device {
  constructor(fields) {
    this.name = fields.name;
    this.role = fields.role;
    this.site = fields.site;
    this.vendor = fields.vendor;
    this.model = fields.model;
    this.serial = fields.serial;
    this.osVersion = fields.osVersion;
    this.mgmtIp = fields.mgmtIp;
    this.enabled = fields.enabled;
    this.rack = fields.rack;
    this.tags = fields.tags;
  }
}

export const decode = (text) => new Device(JSON.parse(text));

/**
 * The least that the same bytes cost with this client: no check of what is there, no index, no order, keys known. The
 * bound of what a store on it can reach.
 */
export async function open(url) {
  const redis = new Redis(url);
  const keyOf = ({ name }) => PREFIX + name;
  return {
    items: (devices) => devices,
    addMany: (devices) => write(redis, devices, keyOf, JSON.stringify),
    add: (device) => redis.set(keyOf(device), JSON.stringify(device)),
    updateMany: (devices) => write(redis, devices, keyOf, JSON.stringify),
    get: async (name) => decode(await redis.get(PREFIX + name)),
    getByUids: (names) => read(redis, names, (name) => PREFIX + name, decode),
    getAll: (names) => read(redis, names, (name) => PREFIX + name, decode),
    removeMany: (devices) => remove(redis, devices, keyOf),
    close: () => redis.quit(),
  };
}

/** The same without encoding and decoding: texts in, texts out. */
export async function openRaw(url) {
  const redis = new Redis(url);
  const keyOf = ({ key }) => key;
  return {
    items: (devices) => devices.map((device) => ({ key: PREFIX + device.name, text: JSON.stringify(device) })),
    addMany: (texts) => write(redis, texts, keyOf, ({ text }) => text),
    add: ({ key, text }) => redis.set(key, text),
    updateMany: (texts) => write(redis, texts, keyOf, ({ text }) => text),
    get: (name) => redis.get(PREFIX + name),
    getByUids: (names) =>
      read(
        redis,
        names,
        (name) => PREFIX + name,
        (text) => text,
      ),
    getAll: (names) =>
      read(
        redis,
        names,
        (name) => PREFIX + name,
        (text) => text,
      ),
    removeMany: (texts) => remove(redis, texts, keyOf),
    close: () => redis.quit(),
  };
}

export async function write(redis, items, keyOf, textOf) {
  await inWindow(items, WRITE_CHUNK, (chunk) => {
    const args = [];
    for (const item of chunk) args.push(keyOf(item), textOf(item));
    return redis.mset(args);
  });
}

export async function read(redis, names, keyOf, decode) {
  const parts = await inWindow(names, READ_CHUNK, async (chunk) => (await redis.mget(chunk.map(keyOf))).map(decode));
  return parts.flat();
}

export async function remove(redis, items, keyOf) {
  await inWindow(items, WRITE_CHUNK, (chunk) => redis.unlink(chunk.map(keyOf)));
}

export async function inWindow(items, size, work) {
  const results = [];
  let at = 0;
  const worker = async () => {
    while (at < items.length) {
      const start = at;
      at += size;
      results[start / size] = await work(items.slice(start, start + size));
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, worker));
  return results;
}
