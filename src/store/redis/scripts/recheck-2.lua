#!lua flags=no-writes
-- Reads objects and their places at one moment, for those whose text was not found.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 object key prefix, then unique ids
-- Returns for each its text, or 0 when it is gone, 1 when the index lists it without a text, 2 when its key holds
-- something else than a text, 3 when the index is lost, so that nobody knows.
local lost = redis.call('HGET', KEYS[2], 'filled') == '1' and redis.call('EXISTS', KEYS[1]) == 0
local found = {}
for at = 2, #ARGV do
  local text = redis.pcall('GET', ARGV[1] .. ARGV[at])
  if type(text) == 'table' then
    found[at - 1] = 2
  else
    found[at - 1] = text or lost and 3 or (redis.call('ZSCORE', KEYS[1], ARGV[at]) and 1 or 0)
  end
end
return found
