-- Stands before every write, so that one whose answer was lost may be sent again: what it did is not done twice, and what
-- it left undone is tried again.
-- KEYS 1 index (sorted set), 2 state (hash: "format", "changed" in ms, and a field a lane)
-- ARGV 1 object key prefix, 2 lane, 3 number of the write, 4 layout: format/shards, 5 ttl in ms (0: none)
-- A lane does one write at a time, with growing numbers; its field holds the last one's number, time and undone positions.
-- Returns an error for a model of another layout, and for a write that its lane has given up.
local prefix, lane, number, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local known = redis.call('HMGET', KEYS[2], lane, 'format')
if known[2] and known[2] ~= ARGV[4] then
  return redis.error_reply('DIFFSYNCFORMAT ' .. known[2])
end

-- nil: all positions are left to do.
local left
if known[1] then
  local done, undone = string.match(known[1], '^(%d+) %d+ (.*)$')
  if tonumber(done) > number then
    return redis.error_reply('DIFFSYNCSTALE')
  end
  if tonumber(done) == number then
    left = {}
    for position in string.gmatch(undone, '%d+') do
      left[tonumber(position)] = true
    end
  end
end

local function pending(position)
  return left == nil or left[position]
end

-- A store with a ttl: what joins the model expires with its index, which is renewed last.
local function expiry()
  if ttl == 0 then
    return nil
  end
  local at = redis.call('PEXPIRETIME', KEYS[1])
  return at > 0 and at or now + ttl
end

local function expire(key, at)
  redis.call('PEXPIREAT', key, string.format('%.0f', at))
end

-- Lanes of processes that are gone are dropped when new ones come.
local function prune()
  local fields = redis.call('HGETALL', KEYS[2])
  for at = 1, #fields, 2 do
    local since = string.match(fields[at + 1], '^%d+ (%d+) ')
    if since and now - since > 600000 then
      redis.call('HDEL', KEYS[2], fields[at])
    end
  end
end

local function settle(undone)
  local entry = ARGV[3] .. ' ' .. now .. ' ' .. table.concat(undone, ',')
  redis.call('HSET', KEYS[2], 'format', ARGV[4], 'changed', now, lane, entry)
  if not known[1] and redis.call('HLEN', KEYS[2]) > 64 then
    prune()
  end
  if ttl > 0 then
    redis.call('PEXPIRE', KEYS[2], 2 * ttl)
  end
end
