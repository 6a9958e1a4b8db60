#!lua flags=no-writes
-- Compares objects with the index, each of them at one moment.
-- KEYS index (sorted set), state (hash); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), then unique ids
-- UIDS from 2 step 1
-- Returns for each: "fine", "gone" (neither is there), "dangling" (the index lists it, and there is no object), "unindexed"
-- (the index does not list the object) or "wrong-type" (the key holds something else than a string).
local index = KEYS[1]
local prefix = ARGV[1]

local found, position = {}, 0
for at = FIRST_UID, #ARGV, UID_STEP do
  position = position + 1
  local key = prefix .. ARGV[at]
  local score = redis.call('ZSCORE', index, ARGV[at])
  if redis.call('EXISTS', key) == 0 then
    found[position] = score and 'dangling' or 'gone'
  elseif type(redis.pcall('STRLEN', key)) == 'table' then
    found[position] = 'wrong-type'
  else
    found[position] = score and 'fine' or 'unindexed'
  end
end
return found
