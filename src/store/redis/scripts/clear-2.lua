#!lua flags=allow-oom
-- Removes the first objects of a model, and with the last of them all that is kept of it. Call again until it returns 0.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 object key prefix, 2 how many at most, 3 limit as in the ledger
-- Returns how many were removed, or an error after the limit.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(ARGV[3]) then
  return redis.error_reply('DIFFSYNCLATE ' .. now)
end
local uids = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[2]) - 1)
if #uids > 0 then
  local objects = {}
  for at, uid in ipairs(uids) do
    objects[at] = ARGV[1] .. uid
  end
  -- In a slot that moves it fails unless all are at hand, and nothing is done.
  redis.call('EXISTS', KEYS[1], unpack(objects))
  redis.call('UNLINK', unpack(objects))
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, #uids - 1)
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('UNLINK', KEYS[2])
end
return #uids
