// Generated from the *.sql files of this folder by scripts/embed-texts.mjs: change those.
export const TEXTS: Readonly<Record<string, string>> = {
  '0001_records.sql': `-- The objects of many stores. Released migrations never change: a change of format is another file.

-- A model of a store. One that was cleared has no store id any more, until its records are gone too.
CREATE TABLE collections (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  store_id TEXT,
  model TEXT NOT NULL,
  objects INTEGER NOT NULL DEFAULT 0,
  UNIQUE (store_id, model)
) STRICT;

-- \`place\` is the order of insertion. None is given twice, so that a reading never meets a record again.
CREATE TABLE records (
  place INTEGER PRIMARY KEY AUTOINCREMENT,
  collection INTEGER NOT NULL,
  uid TEXT NOT NULL,
  value TEXT NOT NULL,
  UNIQUE (collection, uid)
) STRICT;

-- An index holds the place too, so this one gives a collection in order.
CREATE INDEX records_in_order ON records (collection);

-- For people, and for tools that ask by SQL.
CREATE VIEW objects AS
SELECT store_id, model, uid, value
FROM records JOIN collections ON id = collection
WHERE store_id IS NOT NULL
ORDER BY place;
`,
  '0002_leases.sql': `-- The lease of each store: the run that may change it, until it is released or expires. Released: without a token.

CREATE TABLE leases (
  store_id TEXT PRIMARY KEY,
  -- Rises with each holder, and is never lowered.
  fence INTEGER NOT NULL,
  token TEXT,
  run_id TEXT,
  started_by TEXT,
  process TEXT,
  since TEXT,
  -- Milliseconds since 1970.
  expires INTEGER
) STRICT, WITHOUT ROWID;
`,
};
