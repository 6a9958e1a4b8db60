#!lua flags=allow-oom
-- Removes the log of changes that a cleared model has left, unless another client has written to the model and logged it.
-- KEYS 1 state (hash), 2 log (list)
-- ARGV 1 deadline (as in deadline)
-- Returns 1 when it was there and is removed, else 0.
local state, log = unpack(KEYS)
local deadline = ARGV[1]
--- @include "deadline"

return not redis.call('HGET', state, 'logged') and redis.call('UNLINK', log) or 0
