/**
 * Whom the rows compare. Each is opened anew for every round, and does in its own best way what its methods say; what it
 * cannot do it has no method for. Of slow ones, `most` is with how many objects they are measured at most, and `rounds` how
 * often.
 */
export const contenders = [
  { name: 'ours', load: async () => (await import('./ours.mjs')).open },
  { name: 'ioredis + JSON', load: async () => (await import('./bare.mjs')).open },
  { name: 'ioredis, raw', rounds: 3, load: async () => (await import('./bare.mjs')).openRaw },
  { name: 'our commands, bare', rounds: 3, load: async () => (await import('./lower-bound.mjs')).open },
  { name: 'keyv', most: 10_000, load: async () => (await import('./keyv.mjs')).open },
  { name: 'cache-manager', most: 10_000, rounds: 3, load: async () => (await import('./cache-manager.mjs')).open },
  { name: 'unstorage', most: 10_000, load: async () => (await import('./unstorage.mjs')).open },
  { name: 'redis-om', most: 2_000, rounds: 3, load: async () => (await import('./redis-om.mjs')).open },
];
