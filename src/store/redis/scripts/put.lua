#!lua
-- Stores objects, replacing those that are there, all of them in one atomic command. An object that is there keeps its
-- score; a new one goes last.
-- KEYS index (sorted set), state (hash), log (list, as in idempotent-write); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 client, 3 sequence, 4 deadline, 5 layout, 6 ttl (as in idempotent-write),
-- ARGV 7 fence (as in fence), 8 scores (as in given-scores), then for each object its unique id and its JSON text
-- UIDS from 9 step 2
-- Returns 1 when the model may have had no object before, else 0.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local index, state, log = KEYS[1], KEYS[2], KEYS[3]
local prefix, client, sequence, deadline, layout, ttl, fence, scores = unpack(ARGV, 1, 8)
--- @include "deadline"
--- @include "idempotent-write"
--- @include "fence"
--- @include "given-scores"

local score = tonumber(last[2] or 0)

local written = { '' }
if left == nil then
  local objects, members, size, position = {}, {}, 0, 0
  for at = FIRST_UID, #ARGV, UID_STEP do
    position = position + 1
    score = score + 1
    objects[size + 1] = prefix .. ARGV[at]
    redis.call('STRLEN', objects[size + 1]) -- MSET would replace a key of another type.
    objects[size + 2] = ARGV[at + 1]
    members[size + 1] = given and given[position] or score
    members[size + 2] = ARGV[at]
    size = size + 2
    if logs then
      written[position + 1] = ARGV[at]
    end
  end
  redis.call('ZADD', index, 'NX', unpack(members))
  if expiry then
    for at = 1, size, 2 do
      local new = redis.call('EXISTS', objects[at]) == 0
      redis.call('SET', objects[at], objects[at + 1], 'KEEPTTL')
      if new then
        redis.call('PEXPIREAT', objects[at], expiry)
      end
    end
    if not last[2] then
      redis.call('PEXPIREAT', index, expiry)
    end
  else
    redis.call('MSET', unpack(objects))
  end
end
settle('', left == nil and '1', written)
-- The first attempt of a repeated write may have been the one that found the model empty.
return last[2] and left == nil and 0 or 1
