#!lua flags=allow-oom
-- Puts off the expiry of a lease, also of one that has expired and that no other run has taken since.
-- KEYS 1 lease (as in acquire-lease)
-- ARGV 1 token, 2 length (in ms), 3 kept (as in acquire-lease), 4 deadline (as in deadline)
-- Returns 1; 0 when the token does not have it any more.
local lease = KEYS[1]
local token, length, kept, deadline = unpack(ARGV)
--- @include "deadline"

if redis.call('HGET', lease, 'token') ~= token then
  return 0
end
redis.call('HSET', lease, 'expires', string.format('%.0f', now + length))
if kept ~= '0' then
  redis.call('PEXPIRE', lease, kept)
end
return 1
