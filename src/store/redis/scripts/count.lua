#!lua flags=no-writes
-- Counts the objects of models or shards.
-- KEYS for each: index (sorted set), state (hash)
-- ARGV none
-- Returns for each the number of its objects; -1 when its index is lost, evicted or deleted by another client: the last write
-- left objects, and there is no index.
local counts = {}
for at = 1, #KEYS, 2 do
  local count = redis.call('ZCARD', KEYS[at])
  if count == 0 and redis.call('HGET', KEYS[at + 1], 'filled') == '1' then
    count = -1
  end
  counts[#counts + 1] = count
end
return counts
