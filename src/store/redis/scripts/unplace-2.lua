#!lua flags=allow-oom
-- Removes what is kept of a split model beside its shards.
-- KEYS 1 places (string), 2 layout (hash)
-- ARGV 1 limit as in the ledger
-- Returns how many of them were there, or an error after the limit.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(ARGV[1]) then
  return redis.error_reply('DIFFSYNCLATE ' .. now)
end
return redis.call('UNLINK', KEYS[1], KEYS[2])
