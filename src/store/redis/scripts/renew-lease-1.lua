#!lua flags=allow-oom
-- Puts off the expiry of a lease, also of one that has expired and that no other run has taken since; never makes it earlier.
-- KEYS 1 lease (as in acquire-lease)
-- ARGV 1 token, 2 length (in ms), 3 kept (as in acquire-lease), 4 deadline (as in deadline)
-- Returns 1; 0 when the token does not have it any more.
local lease = KEYS[1]
local token, length, kept, deadline = unpack(ARGV)
--- @include "deadline"

local found = redis.call('HMGET', lease, 'token', 'expires')
if found[1] ~= token then
  return 0
end
local expires = math.max(now + length, tonumber(found[2] or 0) or 0)
redis.call('HSET', lease, 'expires', string.format('%.0f', expires))
if kept ~= '0' then
  redis.call('PEXPIRE', lease, kept)
end
return 1
