#!lua
-- Puts off the expiry of a model: objects first and its index with the last of them, so that the index never lists what
-- has expired. Call again, from the place that it returns.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 object key prefix, 2 the place after which to go on ('-inf': the first), 3 ttl in ms, 4 how many at most
-- Returns the last place that was reached, or '' at the end.
local after = ARGV[2] == '-inf' and ARGV[2] or '(' .. ARGV[2]
local found = redis.call('ZRANGE', KEYS[1], after, '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[4], 'WITHSCORES')
if #found > 0 then
  local objects = {}
  for at = 1, #found, 2 do
    objects[#objects + 1] = ARGV[1] .. found[at]
  end
  -- In a slot that moves it fails unless all are at hand, and nothing is done.
  redis.call('EXISTS', KEYS[1], unpack(objects))
end
-- The index must not outlast what was renewed first, however long the rest takes.
local started = tonumber(redis.call('HGET', KEYS[2], 'renewed') or 0)
local time = redis.call('TIME')
if ARGV[2] == '-inf' or started == 0 then
  started = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', KEYS[2], 'renewed', string.format('%.0f', started))
end
local expiry = string.format('%.0f', started + ARGV[3])
for at = 1, #found, 2 do
  redis.call('PEXPIREAT', ARGV[1] .. found[at], expiry)
end
if #found == 2 * tonumber(ARGV[4]) then
  return found[#found]
end
redis.call('PEXPIREAT', KEYS[1], expiry)
redis.call('PEXPIRE', KEYS[2], 2 * ARGV[3])
return ''
