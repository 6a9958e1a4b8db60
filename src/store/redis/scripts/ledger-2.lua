-- Stands before every write, so that one whose answer was lost may be sent again: what it did is not done twice, and what
-- it left undone is tried again.
-- KEYS 1 index (sorted set), 2 state (hash: "format", "changed" in ms, "filled" (1: the model has objects, so that a
-- lost index shows; never with a ttl), and a field a lane)
-- ARGV 1 object key prefix, 2 lane, 3 number of the write, 4 limit, 5 layout, 6 ttl in ms (0: none)
-- The limit is a time in ms since 1970 by this server's clock: from then on nobody waits for the write any more, and a
-- server that was frozen must not do it after others have written.
-- A lane does one write at a time, with growing numbers; its field holds the last one's number, time and undone positions.
-- Returns an error after the limit, for a model of another layout, for one whose index is lost, and for a write that its
-- lane has given up.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(ARGV[4]) then
  return redis.error_reply('DIFFSYNCLATE ' .. now)
end

local prefix = ARGV[1]
local known = redis.call('HMGET', KEYS[2], ARGV[2], 'format', 'filled')
if known[2] and known[2] ~= ARGV[5] then
  return redis.error_reply('DIFFSYNCFORMAT ' .. known[2])
end
-- The last unique id and its place; empty: there is none.
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
if known[3] == '1' and not last[2] then
  return redis.error_reply('DIFFSYNCLOST the index')
end

-- The positions that are left to do; nil: all.
local left
if known[1] then
  local number, undone = string.match(known[1], '^(%d+) %d+ (.*)$')
  if tonumber(number) > tonumber(ARGV[3]) then
    return redis.error_reply('DIFFSYNCSTALE')
  end
  if number == ARGV[3] then
    left = {}
    for position in string.gmatch(undone, '%d+') do
      left[tonumber(position)] = true
    end
  end
end

-- A store with a ttl: what joins the model expires with its index, which is renewed last.
local ttl, expiry = tonumber(ARGV[6])
if ttl > 0 then
  expiry = redis.call('PEXPIRETIME', KEYS[1])
  if expiry <= 0 then
    expiry = now + ttl
  end
  expiry = string.format('%.0f', expiry)
end

-- undone: positions joined by commas; filled: '1' where there is an index now for sure.
local function settle(undone, filled)
  local entry = ARGV[3] .. ' ' .. now .. ' ' .. undone
  if known[1] and known[2] then
    redis.call('HSET', KEYS[2], ARGV[2], entry, 'changed', now)
  else
    redis.call('HSET', KEYS[2], ARGV[2], entry, 'changed', now, 'format', ARGV[5])
    -- Lanes of processes that are gone are dropped when new ones come.
    if redis.call('HLEN', KEYS[2]) > 64 then
      local fields = redis.call('HGETALL', KEYS[2])
      for at = 1, #fields, 2 do
        local since = string.match(fields[at + 1], '^%d+ (%d+) ')
        if since and now - since > 600000 then
          redis.call('HDEL', KEYS[2], fields[at])
        end
      end
    end
  end
  if ttl > 0 then
    redis.call('PEXPIRE', KEYS[2], 2 * ttl)
  else
    filled = filled or tostring(redis.call('EXISTS', KEYS[1]))
    if filled ~= known[3] then
      redis.call('HSET', KEYS[2], 'filled', filled)
    end
  end
end
