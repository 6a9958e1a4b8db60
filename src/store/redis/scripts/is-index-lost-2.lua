#!lua flags=no-writes
-- Tells whether an index that looks empty is lost: evicted, or deleted by another client.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV none
-- Returns 1 when the last write left objects and there is no index, else 0.
local index, state = unpack(KEYS)
return redis.call('HGET', state, 'filled') == '1' and redis.call('EXISTS', index) == 0 and 1 or 0
