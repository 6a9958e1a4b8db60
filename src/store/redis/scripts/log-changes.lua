-- Included by what writes to the log of changes: the unique ids of each write, behind a header that no other write has: client,
-- sequence, the server's time, and how many unique ids follow ("*": what was written before is not known).
-- Needs: time, index, log (list), client, sequence, logged (the field of the state: the last header, and its position since the log
-- began; false when nothing was logged)
-- Gives: logHeader (appends a header and what follows it, and returns the new value of the field)
if logged and not string.find(logged, ' %S+ %d+$') then
  logged = false -- Another program has written there.
end
-- Elements that are kept at least, and for how many objects one more is.
local KEPT, OBJECTS_A_KEPT = 16384, 8
-- The length is looked at once for so many elements.
local TRIMMED_EACH = 1024
-- A list of this length is unpacked at a time: the stack of Lua has a bound.
local UNPACKED = 4000

-- elements: the first is replaced by the header. count: what that says of the number of the others.
local function logHeader(elements, count)
  local position = 0
  if logged then
    local before, at = string.match(logged, ' (%S+) (%d+)$')
    position = at + 1 + (tonumber(before) or 0)
  end
  elements[1] = client .. ':' .. sequence .. ':' .. time[1] .. '.' .. time[2] .. ' ' .. count
  local length = 0
  for first = 1, #elements, UNPACKED do
    length = redis.call('RPUSH', log, unpack(elements, first, math.min(first + UNPACKED - 1, #elements)))
  end
  if length > KEPT and length % TRIMMED_EACH < #elements then
    local most = math.max(KEPT, math.floor(redis.call('ZCARD', index) / OBJECTS_A_KEPT))
    redis.call('LTRIM', log, -most, -1)
  end
  return elements[1] .. ' ' .. string.format('%.0f', position)
end
