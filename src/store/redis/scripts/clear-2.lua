-- Removes the first objects of a model, and its name with the last of them. Call again until it returns 0.
-- KEYS 1 index (sorted set), 2 model names (set)
-- ARGV 1 object key prefix, 2 model name, 3 how many at most
-- Returns how many were removed.
local uids = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[3]) - 1)
for _, uid in ipairs(uids) do
  redis.call('UNLINK', ARGV[1] .. uid)
end
if #uids > 0 then
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, #uids - 1)
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SREM', KEYS[2], ARGV[2])
end
return #uids
