#!lua flags=no-writes
-- Reads objects and their scores at one moment, for the unique ids whose objects were not found.
-- KEYS index (sorted set), state (hash); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 layout (as in layout), then unique ids
-- UIDS from 3 step 1
-- Returns for each its JSON text, or 0 when it is gone, 1 when the index lists it and there is no object, 2 when its key
-- holds something else than a string, 3 when the index is lost, so that it cannot be told, 4 when it has expired.
local index, state = KEYS[1], KEYS[2]
local prefix, layout = unpack(ARGV, 1, 2)
--- @include "layout"

local gone = absent < 0 and redis.call('EXISTS', index) == 0 and 2 - absent
local found, position = {}, 0
for at = FIRST_UID, #ARGV, UID_STEP do
  position = position + 1
  local json = redis.pcall('GET', prefix .. ARGV[at])
  if type(json) == 'table' then
    found[position] = 2
  else
    found[position] = json or gone or (redis.call('ZSCORE', index, ARGV[at]) and 1 or 0)
  end
end
return found
