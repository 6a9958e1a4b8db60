-- Reads objects and their places at one moment, for those that a page listed but whose text was not found.
-- KEYS 1 index (sorted set)
-- ARGV 1 object key prefix, then unique ids
-- Returns for each its text, or 1 when the index lists it without a text, or 0 when it is gone from both.
local found = {}
for at = 2, #ARGV do
  found[at - 1] = redis.call('GET', ARGV[1] .. ARGV[at])
    or (redis.call('ZSCORE', KEYS[1], ARGV[at]) and 1 or 0)
end
return found
