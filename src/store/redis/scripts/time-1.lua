#!lua flags=no-writes
-- Reads the clock of the node that holds a key.
-- KEYS 1 key (it only says which node)
-- ARGV none
-- Returns seconds since 1970, and microseconds of the second.
return redis.call('TIME')
