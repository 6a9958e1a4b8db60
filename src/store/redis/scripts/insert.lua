#!lua
-- Stores objects where there are none, all of them in one atomic command.
-- KEYS index (sorted set), state (hash), log (list, as in idempotent-write); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 client, 3 sequence, 4 deadline, 5 layout, 6 ttl (as in idempotent-write),
-- ARGV 7 fence (as in fence), 8 scores (as in given-scores), then for each object its unique id and its JSON text
-- UIDS from 9 step 2
-- Returns a flat list: 1 when the model may have had no object before, else 0; then for each object that met another one its
-- position (from 1) and the JSON text of that other object.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local index, state, log = KEYS[1], KEYS[2], KEYS[3]
local prefix, client, sequence, deadline, layout, ttl, fence, scores = unpack(ARGV, 1, 8)
--- @include "deadline"
--- @include "idempotent-write"
--- @include "fence"
--- @include "given-scores"

local score = tonumber(last[2] or 0)

local positions, objects, members, size, position = {}, {}, {}, 0, 0
for at = FIRST_UID, #ARGV, UID_STEP do
  position = position + 1
  if left == nil or left[position] then
    score = score + 1
    objects[size + 1] = prefix .. ARGV[at]
    objects[size + 2] = ARGV[at + 1]
    members[size + 1] = given and given[position] or score
    members[size + 2] = ARGV[at]
    size = size + 2
    positions[size] = position
  end
end

-- The first attempt of a repeated write may have been the one that found the model empty.
local reply, undone, written = { last[2] and left == nil and 0 or 1 }, {}, { '' }
if size > 0 and redis.call('MSETNX', unpack(objects)) == 1 then
  redis.call('ZADD', index, 'NX', unpack(members))
  if expiry then
    for at = 1, size, 2 do
      redis.call('PEXPIREAT', objects[at], expiry)
    end
  end
  for at = 2, logs and size or 0, 2 do
    written[at / 2 + 1] = members[at]
  end
else
  local keys = {}
  for at = 1, size, 2 do
    keys[#keys + 1] = objects[at]
  end
  local found = size > 0 and redis.call('MGET', unpack(keys)) or {}
  for at = 1, size, 2 do
    local object = (at + 1) / 2
    -- MGET finds nothing where a key holds something else; GET fails there.
    found[object] = found[object] or redis.call('GET', objects[at])
  end
  for at = 1, size, 2 do
    local json = found[(at + 1) / 2]
    if json then
      reply[#reply + 1] = positions[at + 1]
      reply[#reply + 1] = json
      undone[#undone + 1] = positions[at + 1]
    else
      redis.call('SET', objects[at], objects[at + 1])
      written[#written + 1] = members[at + 1]
      if expiry then
        redis.call('PEXPIREAT', objects[at], expiry)
      end
    end
  end
  -- An object that was there and not listed is listed now.
  if size > 0 and redis.call('ZADD', index, 'NX', unpack(members)) ~= #written - 1 then
    for at = 2, size, 2 do
      written[at / 2 + 1] = members[at]
    end
  end
end
if expiry and not last[2] then
  redis.call('PEXPIREAT', index, expiry)
end
settle(table.concat(undone, ','), size > 0 and '1', written)
return reply
