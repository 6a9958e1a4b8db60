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
  '0003_changes.sql': `-- The log of changes. A file gets it once all its writers know it: option "changeLog".

-- What each transaction wrote to a model. The newest row of a model is never dropped, so that no number is given twice.
CREATE TABLE changes (
  collection INTEGER NOT NULL,
  -- So many unique ids have been logged, those of this row included.
  number INTEGER NOT NULL,
  -- Random: a file that was restored from a backup gives the same numbers again, for other writes.
  stamp TEXT NOT NULL,
  -- A JSON list of the unique ids; null where there are more than the log keeps.
  uids TEXT,
  PRIMARY KEY (collection, number)
) STRICT, WITHOUT ROWID;

-- Stamps the state of a store that no row of the log names: a model has none before its first logged write. Random too.
-- Of the store '': for all that have no row here.
CREATE TABLE log_starts (
  store_id TEXT PRIMARY KEY,
  stamp TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO log_starts VALUES ('', lower(hex(randomblob(8))));

CREATE TRIGGER store_cleared AFTER UPDATE OF store_id ON collections BEGIN
  INSERT OR REPLACE INTO log_starts VALUES (OLD.store_id, lower(hex(randomblob(8))));
END;

-- An older version that has the file open would log nothing of what it writes: it can read a view, and cannot write it.
ALTER TABLE records RENAME TO logged_records;

CREATE VIEW records AS SELECT place, collection, uid, value FROM logged_records;
`,
};
