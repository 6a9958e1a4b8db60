/**
 * Whom the rows compare. Each is opened anew for every round, and does in its own best way what its methods say; what it
 * cannot do it has no method for. `most`: objects that it is measured with at most, as it is slow.
 */
export const contenders = [
  { name: 'ours', load: async () => (await import('./ours.mjs')).open },
  { name: 'ioredis + JSON', load: async () => (await import('./bare.mjs')).open },
  { name: 'ioredis, raw', load: async () => (await import('./bare.mjs')).openRaw },
  { name: 'keyv', load: async () => (await import('./keyv.mjs')).open },
  { name: 'cache-manager', load: async () => (await import('./cache-manager.mjs')).open },
  { name: 'unstorage', load: async () => (await import('./unstorage.mjs')).open },
  { name: 'redis-om', most: 10_000, load: async () => (await import('./redis-om.mjs')).open },
];
