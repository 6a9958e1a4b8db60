#!lua flags=allow-oom
-- Removes objects, all of them in one atomic command. Allowed on a full server, which it helps.
-- KEYS index (sorted set), state (hash), log (list, as in idempotent-write); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 client, 3 sequence, 4 deadline, 5 layout, 6 ttl (as in idempotent-write),
-- ARGV 7 fence (as in fence), then unique ids
-- UIDS from 8 step 1
-- Returns the positions (from 1) of those that were not there.
local index, state, log = KEYS[1], KEYS[2], KEYS[3]
local prefix, client, sequence, deadline, layout, ttl, fence = unpack(ARGV, 1, 7)
--- @include "deadline"
--- @include "idempotent-write"
--- @include "fence"

local uids, objects, positions, position = {}, {}, {}, 0
for at = FIRST_UID, #ARGV, UID_STEP do
  position = position + 1
  if left == nil or left[position] then
    uids[#uids + 1] = ARGV[at]
    objects[#uids] = prefix .. ARGV[at]
    positions[#uids] = position
  end
end

local missing, written = {}, { '' }
if #uids > 0 then
  local present = redis.call('EXISTS', unpack(objects))
  local listed = redis.call('ZREM', index, unpack(uids))
  if present == #uids then
    redis.call('UNLINK', unpack(objects))
  else
    for at, object in ipairs(objects) do
      if redis.call('UNLINK', object) == 0 then
        missing[#missing + 1] = positions[at]
      else
        written[#written + 1] = uids[at]
      end
    end
  end
  -- Some may have been listed and not there: which of them, is not worth a look.
  if logs and math.max(present, listed) > #written - 1 then
    for at, uid in ipairs(uids) do
      written[at + 1] = uid
    end
  end
end
settle(table.concat(missing, ','), nil, written)
return missing
