-- Removes objects. One atomic step.
-- KEYS 1 index (sorted set)
-- ARGV 1 object key prefix, then unique ids
-- Returns the positions (from 1) of those that were not there.
local missing = {}
for at = 2, #ARGV do
  redis.call('ZREM', KEYS[1], ARGV[at])
  if redis.call('UNLINK', ARGV[1] .. ARGV[at]) == 0 then
    missing[#missing + 1] = at - 1
  end
end
return missing
