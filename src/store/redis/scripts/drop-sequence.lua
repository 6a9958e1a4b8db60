#!lua flags=allow-oom
-- Removes the sequence of a model, and what else is kept of a split model beside its shards.
-- KEYS of one slot
-- ARGV 1 deadline (as in deadline)
-- Returns how many of the keys were there.
local deadline = ARGV[1]
--- @include "deadline"

return redis.call('UNLINK', unpack(KEYS))
