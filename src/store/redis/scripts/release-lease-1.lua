#!lua flags=allow-oom
-- Ends a lease; its fence stays.
-- KEYS 1 lease (as in acquire-lease)
-- ARGV 1 token, 2 deadline (as in deadline)
-- Returns 1 when the token had it, else 0.
local lease = KEYS[1]
local token, deadline = unpack(ARGV)
--- @include "deadline"

if redis.call('HGET', lease, 'token') ~= token then
  return 0
end
redis.call('HDEL', lease, 'token', 'run', 'by', 'process', 'since', 'expires')
return 1
