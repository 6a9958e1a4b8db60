-- The lease of each store: the run that may change it, until it is released or expires. Released: without a token.

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
