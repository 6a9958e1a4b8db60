#!lua flags=allow-oom
-- Removes objects. One atomic step. Allowed on a full server, which it helps.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 to 6 as in the ledger, then unique ids
-- Returns the positions (from 1) of those that were not there.
local uids, objects, positions = {}, {}, {}
for at = 7, #ARGV do
  if left == nil or left[at - 6] then
    uids[#uids + 1] = ARGV[at]
    objects[#uids] = prefix .. ARGV[at]
    positions[#uids] = at - 6
  end
end

local missing = {}
if #uids > 0 then
  -- In a slot that moves it fails unless all are at hand, and nothing is done.
  local present = redis.call('EXISTS', unpack(objects))
  redis.call('ZREM', KEYS[1], unpack(uids))
  if present == #uids then
    redis.call('UNLINK', unpack(objects))
  else
    for at, object in ipairs(objects) do
      if redis.call('UNLINK', object) == 0 then
        missing[#missing + 1] = positions[at]
      end
    end
  end
end
settle(table.concat(missing, ','))
return missing
