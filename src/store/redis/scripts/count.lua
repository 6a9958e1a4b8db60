#!lua flags=no-writes
-- Counts the objects of models or shards.
-- KEYS for each: index (sorted set), state (hash)
-- ARGV 1 layout (as in layout)
-- Returns for each the number of its objects; less than 0 when its index is not there and should be (absent in layout).
local layout = ARGV[1]

local counts = {}
for at = 1, #KEYS, 2 do
  local state = KEYS[at + 1]
  --- @include "layout"
  local count = redis.call('ZCARD', KEYS[at])
  counts[#counts + 1] = count > 0 and count or absent
end
return counts
