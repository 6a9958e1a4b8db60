#!lua
-- Makes the index agree with the objects that are there at this moment, all in one atomic command: a unique id without an
-- object leaves the index, a key that holds something else than a string goes, an object that is not listed is listed last.
-- KEYS index (sorted set), state (hash), log (list, as in idempotent-write); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 client, 3 sequence, 4 deadline, 5 layout, 6 ttl (as in idempotent-write),
-- ARGV 7 fence (as in fence), 8 scores (as in given-scores), 9 treatment ('move' for objects whose score is no valid one, 'remove' for what goes
-- whatever it is, else ''), then unique ids
-- UIDS from 10 step 1
-- Returns 0.
local index, state, log = KEYS[1], KEYS[2], KEYS[3]
local prefix, client, sequence, deadline, layout, ttl, fence, scores, treatment = unpack(ARGV, 1, 9)
--- @include "deadline"
--- @include "idempotent-write"
--- @include "fence"
--- @include "given-scores"

for at = FIRST_UID, #ARGV, UID_STEP do
  local key = prefix .. ARGV[at]
  if treatment == 'remove' or type(redis.pcall('STRLEN', key)) == 'table' then
    redis.call('UNLINK', key)
  end
  if treatment == 'move' or redis.call('EXISTS', key) == 0 then
    redis.call('ZREM', index, ARGV[at])
  end
end
-- A score beyond the integers that a double tells apart is no valid one.
local highest = redis.call('ZRANGE', index, '9007199254740990', '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1, 'WITHSCORES')
local score, position, written = math.max(tonumber(highest[2] or 0), 0), 0, { '' }
for at = FIRST_UID, #ARGV, UID_STEP do
  position = position + 1
  written[position + 1] = ARGV[at]
  local key = prefix .. ARGV[at]
  if redis.call('EXISTS', key) == 1 then
    score = score + 1
    redis.call('ZADD', index, 'NX', given and given[position] or score, ARGV[at])
    if expiry then
      redis.call('PEXPIREAT', key, expiry)
    end
  end
end
if expiry then
  redis.call('PEXPIREAT', index, expiry)
end
settle('', nil, written)
return 0
