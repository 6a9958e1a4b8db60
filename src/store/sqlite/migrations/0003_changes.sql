-- The log of changes. A file gets it once all its writers know it: option "changeLog".

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
