#!lua flags=no-writes
-- Reads a part of the log of changes of a model.
-- KEYS 1 index (sorted set), 2 state (hash), 3 log (list, as in log-changes)
-- ARGV 1 layout (as in layout), 2 header (that must still be where it was; '' where none must), 3 position (of this header),
-- ARGV 4 from (the position of the first element that is returned; -1: none is asked for), 5 most (how many of them at most)
-- Returns nothing where no log is kept. Else the last header and its position ('' for a model to which nothing was written), 1 when
-- the log is whole since `from`, else 0, and then the elements.
local index, state, log = unpack(KEYS)
local layout, header, position, from, most = unpack(ARGV)
--- @include "layout"

if string.sub(kept or layout, 1, 1) ~= '2' or absent ~= 0 and redis.call('EXISTS', index) == 0 then
  return {}
end
local logged = redis.call('HGET', state, 'logged')
if not logged then
  if redis.call('EXISTS', index, log) > 0 then
    return {}
  end
  return { '', header == '' and from == '0' and 1 or 0 }
end

local count, at = string.match(logged, ' (%S+) (%d+)$')
if not at then
  return {} -- Another program has written there.
end
local first = at + 1 + (tonumber(count) or 0) - redis.call('LLEN', log)
local whole = tonumber(from) >= math.max(first, 0)
if header ~= '' then
  -- A negative index would count from the end.
  whole = whole and tonumber(position) >= first and redis.call('LINDEX', log, position - first) == header
end
if not whole then
  return { logged, 0 }
end
local reply = redis.call('LRANGE', log, from - first, from - first + most - 1)
table.insert(reply, 1, logged)
table.insert(reply, 2, 1)
return reply
