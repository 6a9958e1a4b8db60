#!lua flags=no-writes
-- Says when a model expires.
-- KEYS 1 index (sorted set)
-- ARGV none
-- Returns the milliseconds that are left; less than 0 when it has no objects, or never expires.
local time = redis.call('TIME')
local expiry = redis.call('PEXPIRETIME', KEYS[1])
return expiry < 0 and expiry or math.max(0, expiry - time[1] * 1000 - math.floor(time[2] / 1000))
