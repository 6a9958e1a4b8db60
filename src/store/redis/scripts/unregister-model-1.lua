#!lua flags=allow-oom
-- Removes a model from the set of models of a store.
-- KEYS 1 models (set)
-- ARGV 1 model (name), 2 deadline (as in deadline)
-- Returns 1 when it was there, else 0.
local models = KEYS[1]
local model, deadline = unpack(ARGV)
--- @include "deadline"

return redis.call('SREM', models, model)
