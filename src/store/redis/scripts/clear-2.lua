#!lua flags=allow-oom
-- Removes the first objects of a model, and with the last of them the state of the model. The caller calls it again until it
-- returns 0.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 prefix (of the keys of objects), 2 most (how many objects at most), 3 deadline (as in deadline)
-- Returns how many objects were removed.
local index, state = unpack(KEYS)
local prefix, most, deadline = unpack(ARGV)
--- @include "deadline"

local uids = redis.call('ZRANGE', index, 0, tonumber(most) - 1)
if #uids > 0 then
  local objects = {}
  for at, uid in ipairs(uids) do
    objects[at] = prefix .. uid
  end
  -- In a slot that moves, this fails before anything is written, unless all keys are on this node.
  redis.call('EXISTS', index, unpack(objects))
  redis.call('UNLINK', unpack(objects))
  redis.call('ZREMRANGEBYRANK', index, 0, #uids - 1)
end
if redis.call('EXISTS', index) == 0 then
  redis.call('UNLINK', state)
end
return #uids
