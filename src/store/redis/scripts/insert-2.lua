#!lua
-- Stores objects where none are. One atomic step for all of them.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 to 6 as in the ledger, 7 places in the order, joined by commas ('': last), then for each object: unique id, text
-- Returns a flat list: 1 when the model may have had no object before, else 0; then for each object that was in the way its
-- position (from 1) and its text.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local score = tonumber(last[2] or 0)

local positions, objects, index, size = {}, {}, {}, 0
for at = 8, #ARGV, 2 do
  local position = at / 2 - 3
  if left == nil or left[position] then
    score = score + 1
    objects[size + 1] = prefix .. ARGV[at]
    objects[size + 2] = ARGV[at + 1]
    index[size + 1] = given and given[position] or score
    index[size + 2] = ARGV[at]
    size = size + 2
    positions[size] = position
  end
end

-- A repeated write may be the one that found it empty.
local answer, undone = { last[2] and left == nil and 0 or 1 }, {}
if size > 0 and redis.call('MSETNX', unpack(objects)) == 1 then
  redis.call('ZADD', KEYS[1], 'NX', unpack(index))
  if expiry then
    for at = 1, size, 2 do
      redis.call('PEXPIREAT', objects[at], expiry)
    end
  end
else
  local keys = {}
  for at = 1, size, 2 do
    keys[#keys + 1] = objects[at]
  end
  local there = size > 0 and redis.call('MGET', unpack(keys)) or {}
  for at = 1, size, 2 do
    local object = (at + 1) / 2
    -- MGET finds nothing where a key holds something else.
    there[object] = there[object] or redis.call('GET', objects[at])
  end
  for at = 1, size, 2 do
    local text = there[(at + 1) / 2]
    if text then
      answer[#answer + 1] = positions[at + 1]
      answer[#answer + 1] = text
      undone[#undone + 1] = positions[at + 1]
    else
      redis.call('SET', objects[at], objects[at + 1])
      if expiry then
        redis.call('PEXPIREAT', objects[at], expiry)
      end
    end
  end
  if size > 0 then
    redis.call('ZADD', KEYS[1], 'NX', unpack(index))
  end
end
if expiry and not last[2] then
  redis.call('PEXPIREAT', KEYS[1], expiry)
end
settle(table.concat(undone, ','), size > 0 and '1')
return answer
