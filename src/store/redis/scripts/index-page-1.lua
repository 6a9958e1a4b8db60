#!lua flags=no-writes
-- Reads a page of a model's unique ids in order, as one text: a client takes several times as long for a reply of as many elements.
-- KEYS 1 index (sorted set)
-- ARGV 1 from (a score), 2 to (a score), both as in ZRANGE, 3 most (how many; more where objects of one score would be torn apart),
-- ARGV 4 scores (1: they are wanted)
-- Returns the score of the last one where there may be more, else '', and a JSON array: the unique ids; with scores, both alternately.
local index = KEYS[1]
local from, to, most, scores = unpack(ARGV)
local found, step
if scores == '1' then
  found, step = redis.call('ZRANGE', index, from, to, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES'), 2
else
  found, step = redis.call('ZRANGE', index, from, to, 'BYSCORE', 'LIMIT', 0, most), 1
end
local count = #found / step
if count == 0 then
  return { '', '[]' }
end
if count < tonumber(most) then
  return { '', cjson.encode(found) }
end

local uid = found[#found - step + 1]
local last = redis.call('ZSCORE', index, uid)
-- Objects may have one score after a failover or a clear that lost the counter.
local isBehind = false
for _, other in ipairs(redis.call('ZRANGE', index, last, last, 'BYSCORE')) do
  if isBehind then
    found[#found + 1] = other
    if step == 2 then
      found[#found + 1] = last
    end
  end
  isBehind = isBehind or other == uid
end
return { last, cjson.encode(found) }
