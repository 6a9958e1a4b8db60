-- Stores objects where none are. One atomic step for all of them.
-- KEYS 1 index (sorted set), 2 model names (set)
-- ARGV 1 object key prefix, 2 model name, then for each object: unique id, text
-- Returns a flat list: for each object that was in the way its position (from 1) and its text.
-- Fails with WRONGTYPE, having written no object, when a key holds something else.
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
local score = last[2] and tonumber(last[2]) or 0
redis.call('SADD', KEYS[2], ARGV[2])

local objects = {}
local index = {}
for at = 3, #ARGV, 2 do
  score = score + 1
  objects[#objects + 1] = ARGV[1] .. ARGV[at]
  objects[#objects + 1] = ARGV[at + 1]
  index[#index + 1] = score
  index[#index + 1] = ARGV[at]
end
if redis.call('MSETNX', unpack(objects)) == 1 then
  redis.call('ZADD', KEYS[1], 'NX', unpack(index))
  return {}
end

local there = {}
for at = 1, #objects, 2 do
  there[at] = redis.call('GET', objects[at])
end
local found = {}
for at = 1, #objects, 2 do
  if there[at] then
    found[#found + 1] = (at + 1) / 2
    found[#found + 1] = there[at]
  else
    redis.call('SET', objects[at], objects[at + 1])
  end
  redis.call('ZADD', KEYS[1], 'NX', index[at], index[at + 1])
end
return found
