#!lua flags=no-writes
-- Tells the clock of the node that holds a key.
-- KEYS 1 the key
-- Returns seconds since 1970, and microseconds of the second.
-- (KEYS[1] only says where to.)
return redis.call('TIME')
