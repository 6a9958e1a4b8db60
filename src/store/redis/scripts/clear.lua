#!lua flags=allow-oom
-- Removes objects of a model, and with the last of them the state of the model. The caller calls it again until it returns 0.
-- KEYS index (sorted set), state (hash); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 most (how many objects at most, the first ones; 0: those that follow),
-- ARGV 3 deadline (as in deadline), 4 layout (as in layout), then unique ids
-- UIDS from 5 step 1
-- Returns how many objects were removed; -1 when there is no index, although the last write left objects.
local index, state = KEYS[1], KEYS[2]
local prefix, most, deadline, layout = unpack(ARGV, 1, 4)
--- @include "deadline"
--- @include "layout"

local uids = {}
if most ~= '0' then
  if redis.call('EXISTS', index) == 0 and absent == -1 then
    return -1
  end
  uids = redis.call('ZRANGE', index, 0, tonumber(most) - 1)
end
for at = FIRST_UID, #ARGV, UID_STEP do
  uids[#uids + 1] = ARGV[at]
end
if #uids > 0 then
  local objects = {}
  for at, uid in ipairs(uids) do
    objects[at] = prefix .. uid
  end
  redis.call('UNLINK', unpack(objects))
  redis.call('ZREM', index, unpack(uids))
end
if redis.call('EXISTS', index) == 0 then
  redis.call('UNLINK', state)
end
return #uids
