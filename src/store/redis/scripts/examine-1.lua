#!lua flags=no-writes
-- Tells of objects and their places, each at one moment, whether they agree.
-- KEYS 1 index (sorted set)
-- ARGV 1 object key prefix, then unique ids
-- Returns for each: "fine", "gone" (neither is there), "dangling" (a place without an object), "unindexed" (an object
-- without a place) or "wrong-type" (the key holds something else than a text).
local found = {}
for at = 2, #ARGV do
  local key = ARGV[1] .. ARGV[at]
  local place = redis.call('ZSCORE', KEYS[1], ARGV[at])
  if redis.call('EXISTS', key) == 0 then
    found[at - 1] = place and 'dangling' or 'gone'
  elseif type(redis.pcall('STRLEN', key)) == 'table' then
    found[at - 1] = 'wrong-type'
  else
    found[at - 1] = place and 'fine' or 'unindexed'
  end
end
return found
