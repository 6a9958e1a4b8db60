#!lua
-- Stores objects, replacing what is there. Each keeps its place in the order, or goes last. One atomic step.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 to 6 as in the ledger, 7 places in the order, joined by commas ('': last), then for each object: unique id, text
-- Returns 1 when the model may have had no object before, else 0.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local score = tonumber(last[2] or 0)

if left == nil then
  local objects, index, size = {}, {}, 0
  for at = 8, #ARGV, 2 do
    score = score + 1
    objects[size + 1] = prefix .. ARGV[at]
    redis.call('STRLEN', objects[size + 1]) -- MSET would replace a key of another type.
    objects[size + 2] = ARGV[at + 1]
    index[size + 1] = given and given[at / 2 - 3] or score
    index[size + 2] = ARGV[at]
    size = size + 2
  end
  redis.call('ZADD', KEYS[1], 'NX', unpack(index))
  if expiry then
    for at = 1, size, 2 do
      local new = redis.call('EXISTS', objects[at]) == 0
      redis.call('SET', objects[at], objects[at + 1], 'KEEPTTL')
      if new then
        redis.call('PEXPIREAT', objects[at], expiry)
      end
    end
    if not last[2] then
      redis.call('PEXPIREAT', KEYS[1], expiry)
    end
  else
    redis.call('MSET', unpack(objects))
  end
end
settle('', left == nil and '1')
-- A repeated write may be the one that found it empty.
return last[2] and left == nil and 0 or 1
