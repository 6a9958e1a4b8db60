#!lua flags=no-writes
-- Reads who holds a lease.
-- KEYS 1 lease (as in acquire-lease)
-- ARGV none
-- Returns run, by, process and since of the holder; nothing when there is none, or its lease has expired.
local time = redis.call('TIME')
local found = redis.call('HMGET', KEYS[1], 'run', 'by', 'process', 'since', 'expires', 'token')
if not found[6] or (tonumber(found[5] or 0) or 0) <= time[1] * 1000 + math.floor(time[2] / 1000) then
  return {}
end
return { found[1] or '', found[2] or '', found[3] or '', found[4] or '' }
