#!lua
-- Makes objects and their places agree, by what is there at this moment: a place without an object goes, a key that holds
-- something else than a text goes, an object without a place gets one at the end. One atomic step.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 to 6 as in the ledger, 7 places in the order, joined by commas ('': last), 8 'move' for objects whose place is
-- none, 'remove' for what goes whatever it is, else '', then unique ids
-- Returns 0.
for at = 9, #ARGV do
  local key = prefix .. ARGV[at]
  if ARGV[8] == 'remove' or type(redis.pcall('STRLEN', key)) == 'table' then
    redis.call('UNLINK', key)
  end
  if ARGV[8] == 'move' or redis.call('EXISTS', key) == 0 then
    redis.call('ZREM', KEYS[1], ARGV[at])
  end
end
-- A place beyond what a number tells apart is none.
local highest = redis.call('ZRANGE', KEYS[1], '9007199254740990', '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1, 'WITHSCORES')
local score = math.max(tonumber(highest[2] or 0), 0)
for at = 9, #ARGV do
  local key = prefix .. ARGV[at]
  if redis.call('EXISTS', key) == 1 then
    score = score + 1
    redis.call('ZADD', KEYS[1], 'NX', given and given[at - 8] or score, ARGV[at])
    if expiry then
      redis.call('PEXPIREAT', key, expiry)
    end
  end
end
if expiry then
  redis.call('PEXPIREAT', KEYS[1], expiry)
end
settle('')
return 0
