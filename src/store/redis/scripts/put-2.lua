#!lua
-- Stores objects, replacing what is there. Each keeps its place in the order, or goes last. One atomic step.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 to 5 as in the ledger, 6 places in the order, joined by commas ('': last), then for each object: unique id, text
-- Returns 1 when the model had no object before, else 0.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
local score = last[2] and tonumber(last[2]) or 0
local at_most = expiry()
local given = {}
for place in string.gmatch(ARGV[6], '[^,]+') do
  given[#given + 1] = place
end

local objects, index = {}, {}
for at = 7, #ARGV, 2 do
  if pending((at - 5) / 2) then
    score = score + 1
    objects[#objects + 1] = prefix .. ARGV[at]
    redis.call('STRLEN', objects[#objects]) -- MSET would replace a key of another type.
    objects[#objects + 1] = ARGV[at + 1]
    index[#index + 1] = given[(at - 5) / 2] or score
    index[#index + 1] = ARGV[at]
  end
end
if #objects > 0 then
  redis.call('ZADD', KEYS[1], 'NX', unpack(index))
  if at_most then
    for at = 1, #objects, 2 do
      local new = redis.call('EXISTS', objects[at]) == 0
      redis.call('SET', objects[at], objects[at + 1], 'KEEPTTL')
      if new then
        expire(objects[at], at_most)
      end
    end
    if not last[2] then
      expire(KEYS[1], at_most)
    end
  else
    redis.call('MSET', unpack(objects))
  end
end
settle({})
return last[2] and 0 or 1
