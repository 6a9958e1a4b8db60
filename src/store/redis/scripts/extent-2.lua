#!lua flags=no-writes
-- Looks at a model that is about to be read in order, and reads it where it is small.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 prefix (of the keys of objects), 2 few (of how many objects at most all are read; 0: none is looked at, because on a
-- cluster a script may not touch them),
-- ARGV 3 small (characters of JSON text that are read at most), 4 layout (as in layout)
-- Returns the number of objects (0: none; less: as absent in layout), the score of the last one, and where objects are looked at
-- the length of the longest JSON text of a sample; then unique id and JSON text of each, when there are few and small ones.
local index, state = KEYS[1], KEYS[2]
local prefix, few, small, layout = unpack(ARGV)
--- @include "layout"

local count = redis.call('ZCARD', index)
if count == 0 then
  return { absent }
end
local reply = { count, redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')[2] }
if few == '0' then
  return reply
end

local sample = {}
if count <= tonumber(few) then
  sample = redis.call('ZRANGE', index, 0, -1)
else
  for at = 0, 9 do
    local rank = math.floor(at * (count - 1) / 9)
    sample[at + 1] = redis.call('ZRANGE', index, rank, rank)[1]
  end
end
local objects, longest, sum = {}, 0, 0
for at, uid in ipairs(sample) do
  objects[at] = prefix .. uid
  local length = redis.pcall('STRLEN', objects[at])
  if type(length) == 'number' then
    longest = math.max(longest, length)
    sum = sum + length
  end
end
reply[3] = longest
if #sample == count and sum <= tonumber(small) then
  local found = redis.call('MGET', unpack(objects))
  for at, uid in ipairs(sample) do
    reply[2 + 2 * at] = uid
    reply[3 + 2 * at] = found[at]
  end
end
return reply
