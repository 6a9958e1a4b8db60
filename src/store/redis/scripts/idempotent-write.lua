-- Included by every write of objects. Makes the write idempotent: a write whose reply was lost may be sent again; what it
-- has done is not done twice, and what it has left undone is tried again.
-- A client id writes one write at a time, with growing sequence numbers. Its field in the state holds the deduplication
-- record: the sequence number, time and undone positions of its last write.
-- Needs: now, index, state (hash: "format", "changed" in ms, "filled" (the model has objects, so that the loss of its
-- index shows: 1, or "expires" with a ttl), and a field for each client id), client, sequence, layout, ttl (in ms; 0: none)
-- Gives: last (the last unique id and its score; empty when there is none), left (the positions that are left to do; nil:
-- all), expiry (in ms since 1970, of what joins the model; nil: none), settle (to be called when the write is done)
-- Returns an error for a model of another layout, for a model whose index is lost, and for a write that its client has
-- given up.
local known = redis.call('HMGET', state, client, 'format', 'filled')
if known[2] and known[2] ~= layout then
  return redis.error_reply('DIFFSYNCFORMAT ' .. known[2] .. '|' .. state)
end
local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')
if known[3] == '1' and not last[2] then
  return redis.error_reply('DIFFSYNCLOST the index')
end

local left
if known[1] then
  local number, undone = string.match(known[1], '^(%d+) %d+ (.*)$')
  if tonumber(number) > tonumber(sequence) then
    return redis.error_reply('DIFFSYNCSTALE')
  end
  if number == sequence then
    left = {}
    for position in string.gmatch(undone, '%d+') do
      left[tonumber(position)] = true
    end
  end
end

-- What joins a model with a ttl expires together with its index, whose expiry is renewed last.
local lifetime, expiry = tonumber(ttl)
if lifetime > 0 then
  expiry = redis.call('PEXPIRETIME', index)
  if expiry <= 0 then
    expiry = now + lifetime
  end
  expiry = string.format('%.0f', expiry)
end

-- undone: positions joined by commas; filled: '1' when the caller knows that the index exists now.
local function settle(undone, filled)
  local entry = sequence .. ' ' .. now .. ' ' .. undone
  if known[1] and known[2] then
    redis.call('HSET', state, client, entry, 'changed', now)
  else
    redis.call('HSET', state, client, entry, 'changed', now, 'format', layout)
    -- The records of clients that are gone are dropped when a new client comes.
    if redis.call('HLEN', state) > 64 then
      local fields = redis.call('HGETALL', state)
      for at = 1, #fields, 2 do
        local since = string.match(fields[at + 1], '^%d+ (%d+) ')
        if since and now - since > 600000 then
          redis.call('HDEL', state, fields[at])
        end
      end
    end
  end
  filled = filled or tostring(redis.call('EXISTS', index))
  if filled == '1' and lifetime > 0 then
    filled = 'expires'
  end
  if filled ~= known[3] then
    redis.call('HSET', state, 'filled', filled)
  end
  if lifetime > 0 then
    redis.call('PEXPIRE', state, 2 * lifetime)
  end
end
