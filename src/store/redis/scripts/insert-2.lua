#!lua
-- Stores objects where none are. One atomic step for all of them.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 to 5 as in the ledger, 6 places in the order, joined by commas ('': last), then for each object: unique id, text
-- Returns a flat list: 1 when the model had no object before, else 0; then for each object that was in the way its
-- position (from 1) and its text.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
local score = last[2] and tonumber(last[2]) or 0
local at_most = expiry()
local given = {}
for place in string.gmatch(ARGV[6], '[^,]+') do
  given[#given + 1] = place
end

local positions, objects, index = {}, {}, {}
for at = 7, #ARGV, 2 do
  local position = (at - 5) / 2
  if pending(position) then
    score = score + 1
    positions[#positions + 1] = position
    objects[#objects + 1] = prefix .. ARGV[at]
    objects[#objects + 1] = ARGV[at + 1]
    index[#index + 1] = given[position] or score
    index[#index + 1] = ARGV[at]
  end
end

local answer, undone = { last[2] and 0 or 1 }, {}
if #positions > 0 and redis.call('MSETNX', unpack(objects)) == 1 then
  redis.call('ZADD', KEYS[1], 'NX', unpack(index))
  if at_most then
    for at = 1, #objects, 2 do
      expire(objects[at], at_most)
    end
  end
else
  local there = {}
  for at = 1, #objects, 2 do
    there[at] = redis.call('GET', objects[at])
  end
  for at = 1, #objects, 2 do
    local position = positions[(at + 1) / 2]
    if there[at] then
      answer[#answer + 1] = position
      answer[#answer + 1] = there[at]
      undone[#undone + 1] = position
    else
      redis.call('SET', objects[at], objects[at + 1])
      if at_most then
        expire(objects[at], at_most)
      end
    end
    redis.call('ZADD', KEYS[1], 'NX', index[at], index[at + 1])
  end
end
if at_most and not last[2] then
  expire(KEYS[1], at_most)
end
settle(undone)
return answer
