#!lua flags=no-writes
-- Counts the objects of models or shards.
-- KEYS for each: index (sorted set), state (hash)
-- ARGV 1 layout (as in layout)
-- Returns for each the number of its objects; -1 when its index is lost, evicted or deleted by another client: the last write
-- left objects, and there is no index.
local layout = ARGV[1]

local counts = {}
for at = 1, #KEYS, 2 do
  local state = KEYS[at + 1]
  --- @include "layout"
  local count = redis.call('ZCARD', KEYS[at])
  if count == 0 and known[2] == '1' then
    count = -1
  end
  counts[#counts + 1] = count
end
return counts
