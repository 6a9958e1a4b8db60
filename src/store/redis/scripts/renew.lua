#!lua flags=allow-oom
-- Renews the expiry of a model: that of its objects first, and with the last of them that of its index, so that the index
-- never lists what has expired. The caller calls it with the unique ids that it returned, until it returns none. Nothing
-- expires earlier than it would, whatever ttl another process has. Allowed on a full server, where nothing else could.
-- KEYS index (sorted set), state (hash); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 layout (as in layout), 3 ttl (in ms), 4 expiry (as it returned it; '' at first),
-- ARGV 5 after (the score that it returned; '-inf' at first), 6 most (how many unique ids it returns at most), then unique ids
-- UIDS from 7 step 1
-- Returns the expiry of all (in ms since 1970), the score of the last of the unique ids that follow, and these.
local index, state = KEYS[1], KEYS[2]
local prefix, layout, ttl, expiry, after, most = unpack(ARGV, 1, 6)
--- @include "layout"

if expiry == '' then
  local time = redis.call('TIME')
  expiry = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ttl)
end
for at = FIRST_UID, #ARGV, UID_STEP do
  redis.call('PEXPIREAT', prefix .. ARGV[at], expiry, 'GT')
end

local from = after == '-inf' and after or '(' .. after
local page = redis.call('ZRANGE', index, from, '+inf', 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
if #page == 0 then
  redis.call('PEXPIREAT', index, expiry, 'GT')
  if after ~= '-inf' then
    redis.call('PEXPIREAT', state, string.format('%.0f', expiry + ttl), 'GT')
  end
  return { expiry, after }
end
-- Objects with one score come together.
local last = page[#page]
local reply = { expiry, last }
for at = 1, #page, 2 do
  if page[at + 1] ~= last then
    reply[#reply + 1] = page[at]
  end
end
for _, uid in ipairs(redis.call('ZRANGE', index, last, last, 'BYSCORE')) do
  reply[#reply + 1] = uid
end
return reply
