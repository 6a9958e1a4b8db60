/** Where the two sides are. The source of some is loaded anew, from a system without a log of changes. */
export const PLACES = {
  redis: { name: 'both in Redis', source: 'redis', target: 'redis' },
  loaded: { name: 'source loaded anew, target in Redis', source: 'local', target: 'redis' },
  extended: {
    name: 'source loaded anew, target in Redis with two fields of its own',
    source: 'local',
    target: 'redis',
    extended: true,
  },
  sqlite: { name: 'source in Redis, target in SQLite', source: 'redis', target: 'sqlite' },
  loadedSqlite: { name: 'source loaded anew, target in SQLite', source: 'local', target: 'sqlite' },
};
