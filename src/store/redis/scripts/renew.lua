#!lua
-- Renews the expiry of a model: that of its objects first, and with the last of them that of its index, so that the index
-- never lists what has expired. The caller calls it for each page of the index, in order.
-- KEYS index (sorted set), state (hash); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 part ('first', 'middle', 'last' or 'only' page), 3 ttl (in ms), then unique ids
-- UIDS from 4 step 1
-- Returns 0.
local index, state = KEYS[1], KEYS[2]
local prefix, part, ttl = unpack(ARGV, 1, 3)

-- The index must not outlast the objects that were renewed first, however long the rest takes.
local started = tonumber(redis.call('HGET', state, 'renewed') or 0)
if part == 'first' or part == 'only' or started == 0 then
  local time = redis.call('TIME')
  started = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', state, 'renewed', string.format('%.0f', started))
end
local expiry = string.format('%.0f', started + ttl)
for at = FIRST_UID, #ARGV, UID_STEP do
  redis.call('PEXPIREAT', prefix .. ARGV[at], expiry)
end
if part == 'last' or part == 'only' then
  redis.call('PEXPIREAT', index, expiry)
  redis.call('PEXPIRE', state, 2 * ttl)
end
return 0
