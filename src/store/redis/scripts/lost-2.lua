#!lua flags=no-writes
-- Whether an index that looks empty is lost: evicted, or deleted by somebody else.
-- KEYS 1 index (sorted set), 2 state (hash)
-- Returns 1 when the last write left objects and there is no index, else 0.
return redis.call('HGET', KEYS[2], 'filled') == '1' and redis.call('EXISTS', KEYS[1]) == 0 and 1 or 0
