#!lua
-- Takes the lease of a store where no other token has it, or takes part in the run that has it.
-- KEYS 1 lease (hash: "fence" of the last holder; until it is released also its "token", "run", "by", "process", "since" and
-- "expires", the last two in ms since 1970)
-- ARGV 1 token, 2 run, 3 by, 4 process, 5 length (in ms), 6 joins ('1' to take part in the run),
-- ARGV 7 kept (ms that the key is kept at least; 0: for ever), 8 deadline (as in deadline)
-- Returns 1, fence, token, and run, by, process and since of the holder; where it is refused 0, the ms that are left to the holder
-- (0: there is none), '', and the same of the holder.
local lease = KEYS[1]
local token, run, by, process, length, joins, kept, deadline = unpack(ARGV)
--- @include "deadline"

local found = redis.call('HMGET', lease, 'fence', 'token', 'run', 'by', 'process', 'since', 'expires')
local taken, expires = found[2], tonumber(found[7] or 0) or 0
local fence = tonumber(found[1] or 0) or 0
local own = taken and (joins == '1' and found[3] == run or joins ~= '1' and taken == token)
if own then
  expires = math.max(expires, now + length)
elseif taken and expires > now or joins == '1' then
  local left = taken and math.max(expires - now, 0) or 0
  return { 0, left, '', found[3] or '', found[4] or '', found[5] or '', found[6] or '' }
else
  expires = now + length
  -- By the clock too, so that it rises although a failover or an expiry has lost the last one.
  fence = math.max(fence + 1, now)
  found = { false, token, run, by, process, string.format('%.0f', now) }
end
local number = string.format('%.0f', fence)
local fields = { 'fence', number, 'token', found[2], 'run', found[3], 'by', found[4], 'process', found[5], 'since', found[6] }
redis.call('HSET', lease, 'expires', string.format('%.0f', expires), unpack(fields))
if kept ~= '0' then
  redis.call('PEXPIRE', lease, kept)
end
return { 1, number, found[2], found[3], found[4], found[5], found[6] }
