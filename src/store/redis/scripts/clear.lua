#!lua flags=allow-oom
-- Removes objects of a model, and with the last of them the state of the model, but for its fence. The caller calls it again
-- until it returns 0.
-- KEYS index (sorted set), state (hash); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 most (how many objects at most, the first ones; 0: those that follow),
-- ARGV 3 deadline (as in deadline), 4 layout (as in layout), 5 fence (as in fence), then unique ids
-- UIDS from 6 step 1
-- Returns how many objects were removed; -1 when there is no index, although the last write left objects.
local index, state = KEYS[1], KEYS[2]
local prefix, most, deadline, layout, fence = unpack(ARGV, 1, 5)
--- @include "deadline"
--- @include "layout"
--- @include "fence"

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
  -- No cursor of the log, whose key goes last, is known any more.
  redis.call('HDEL', state, 'logged')
end
if redis.call('EXISTS', index) == 0 then
  if layout == '' or not redis.call('HGET', state, 'fence') then
    redis.call('UNLINK', state)
  else
    -- The fence outlasts the objects: an earlier holder of the lease may still be writing.
    for at, field in ipairs(redis.call('HGETALL', state)) do
      if at % 2 == 1 and field ~= 'fence' then
        redis.call('HDEL', state, field)
      end
    end
  end
end
return #uids
