-- Stores objects, replacing what is there. Each keeps its place in the order, or goes last. One atomic step.
-- KEYS 1 index (sorted set), 2 model names (set)
-- ARGV 1 object key prefix, 2 model name, then for each object: unique id, text
-- Returns 0.
-- Fails with WRONGTYPE, having written no object, when a key holds something else.
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
local score = last[2] and tonumber(last[2]) or 0
redis.call('SADD', KEYS[2], ARGV[2])

local objects = {}
local index = {}
for at = 3, #ARGV, 2 do
  score = score + 1
  objects[#objects + 1] = ARGV[1] .. ARGV[at]
  redis.call('STRLEN', objects[#objects]) -- MSET would replace a key of another type.
  objects[#objects + 1] = ARGV[at + 1]
  index[#index + 1] = score
  index[#index + 1] = ARGV[at]
end
redis.call('ZADD', KEYS[1], 'NX', unpack(index))
redis.call('MSET', unpack(objects))
return 0
