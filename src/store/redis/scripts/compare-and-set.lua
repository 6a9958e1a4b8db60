#!lua
-- Compare-and-set: replaces each object only where the expected JSON text is still there, all of them in one atomic command.
-- KEYS index (sorted set), state (hash), log (list, as in idempotent-write); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 client, 3 sequence, 4 deadline, 5 layout, 6 ttl (as in idempotent-write),
-- ARGV 7 fence (as in fence), then for each object its unique id, the expected JSON text and the one to store
-- UIDS from 8 step 3
-- Returns the positions (from 1) of the objects that had changed and were left alone.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local index, state, log = KEYS[1], KEYS[2], KEYS[3]
local prefix, client, sequence, deadline, layout, ttl, fence = unpack(ARGV, 1, 7)
--- @include "deadline"
--- @include "idempotent-write"
--- @include "fence"

local same = {}
for at = FIRST_UID, #ARGV, UID_STEP do
  same[at] = redis.call('GET', prefix .. ARGV[at]) == ARGV[at + 1]
end
local changed, written, position = {}, { '' }, 0
for at = FIRST_UID, #ARGV, UID_STEP do
  position = position + 1
  if left == nil or left[position] then
    if same[at] then
      redis.call('SET', prefix .. ARGV[at], ARGV[at + 2], 'KEEPTTL')
      written[#written + 1] = ARGV[at]
    else
      changed[#changed + 1] = position
    end
  end
end
settle(table.concat(changed, ','), nil, written)
return changed
