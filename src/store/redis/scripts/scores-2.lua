#!lua flags=no-writes
-- Says where objects stand in the order of a model.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 layout (as in layout), then unique ids
-- Returns for each its score, or '' when it is not listed. Less than 0 instead of all when the index is not there and should be
-- (absent in layout).
local index, state = KEYS[1], KEYS[2]
local layout = ARGV[1]
--- @include "layout"

if absent < 0 and redis.call('EXISTS', index) == 0 then
  return absent
end
local scores = {}
for at = 2, #ARGV do
  scores[at - 1] = redis.call('ZSCORE', index, ARGV[at]) or ''
end
return scores
