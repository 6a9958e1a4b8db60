#!lua flags=allow-oom
-- Removes objects. One atomic step. Allowed on a full server, which it helps.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 to 6 as in the ledger, then unique ids
-- Returns the positions (from 1) of those that were not there.
local missing = {}
for at = 7, #ARGV do
  if left == nil or left[at - 6] then
    redis.call('ZREM', KEYS[1], ARGV[at])
    if redis.call('UNLINK', prefix .. ARGV[at]) == 0 then
      missing[#missing + 1] = at - 6
    end
  end
end
settle(table.concat(missing, ','))
return missing
