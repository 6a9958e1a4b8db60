-- Compare-and-set: stores each object only where the expected text is still there. One atomic step for all of them.
-- KEYS 1 index (sorted set), 2 model names (set)
-- ARGV 1 object key prefix, 2 model name, then for each object: unique id, expected text ('' for none), text
-- Returns the positions (from 1) of those that had changed and were left alone.
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
local score = last[2] and tonumber(last[2]) or 0
redis.call('SADD', KEYS[2], ARGV[2])

local changed = {}
for at = 3, #ARGV, 3 do
  local key = ARGV[1] .. ARGV[at]
  if (redis.call('GET', key) or '') == ARGV[at + 1] then
    score = score + 1
    redis.call('ZADD', KEYS[1], 'NX', score, ARGV[at])
    redis.call('SET', key, ARGV[at + 2])
  else
    changed[#changed + 1] = at / 3
  end
end
return changed
