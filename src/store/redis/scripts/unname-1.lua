#!lua flags=allow-oom
-- Takes a model's name out of a store's list.
-- KEYS 1 models (set)
-- ARGV 1 model name, 2 limit as in the ledger
-- Returns whether it was there, or an error after the limit.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(ARGV[2]) then
  return redis.error_reply('DIFFSYNCLATE ' .. now)
end
return redis.call('SREM', KEYS[1], ARGV[1])
