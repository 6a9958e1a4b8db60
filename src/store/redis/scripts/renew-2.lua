#!lua
-- Renews the expiry of a model: that of its objects first, and with the last of them that of its index, so that the index
-- never lists what has expired. The caller calls it again, from the score that it returns.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 prefix (of the keys of objects), 2 after (the score after which to go on; '-inf': from the first), 3 ttl (in ms),
-- ARGV 4 most (how many objects at most)
-- Returns the last score that was reached, or '' at the end.
local index, state = unpack(KEYS)
local prefix, after, ttl, most = unpack(ARGV)

local from = after == '-inf' and after or '(' .. after
local found = redis.call('ZRANGE', index, from, '+inf', 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
if #found > 0 then
  local objects = {}
  for at = 1, #found, 2 do
    objects[#objects + 1] = prefix .. found[at]
  end
  -- In a slot that moves, this fails before anything is written, unless all keys are on this node.
  redis.call('EXISTS', index, unpack(objects))
end
-- The index must not outlast the objects that were renewed first, however long the rest takes.
local started = tonumber(redis.call('HGET', state, 'renewed') or 0)
local time = redis.call('TIME')
if after == '-inf' or started == 0 then
  started = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', state, 'renewed', string.format('%.0f', started))
end
local expiry = string.format('%.0f', started + ttl)
for at = 1, #found, 2 do
  redis.call('PEXPIREAT', prefix .. found[at], expiry)
end
if #found == 2 * tonumber(most) then
  return found[#found]
end
redis.call('PEXPIREAT', index, expiry)
redis.call('PEXPIRE', state, 2 * ttl)
return ''
