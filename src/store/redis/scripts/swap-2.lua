#!lua
-- Compare-and-set: replaces each object only where the expected text is still there. One atomic step for all of them.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 to 6 as in the ledger, then for each object: unique id, expected text, text
-- Returns the positions (from 1) of those that had changed and were left alone.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local same = {}
for at = 7, #ARGV, 3 do
  same[at] = redis.call('GET', prefix .. ARGV[at]) == ARGV[at + 1]
end
local changed = {}
for at = 7, #ARGV, 3 do
  local position = (at - 4) / 3
  if left == nil or left[position] then
    if same[at] then
      redis.call('SET', prefix .. ARGV[at], ARGV[at + 2], 'KEEPTTL')
    else
      changed[#changed + 1] = position
    end
  end
end
settle(table.concat(changed, ','))
return changed
