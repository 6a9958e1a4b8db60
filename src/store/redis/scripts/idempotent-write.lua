-- Included by every write of objects. Makes the write idempotent: a write whose reply was lost may be sent again; what it
-- has done is not done twice, and what it has left undone is tried again.
-- A client id writes one write at a time, with growing sequence numbers. Its field in the state holds the deduplication
-- record: the sequence number, time and undone positions of its last write.
-- Needs: now, time, index, state (hash: "format", "changed" in ms, "filled" (the model has objects, so that the loss of its
-- index shows: 1, or "expires" with a ttl), "logged" (as in log-changes), and a field for each client id), log (list, in format 2;
-- the state again where it is not declared), client, sequence, layout (of format 2: it raises a model in format 1), ttl (in ms;
-- 0: none)
-- Gives: last (the last unique id and its score; empty when there is none), left (the positions that are left to do; nil:
-- all), expiry (in ms since 1970, of what joins the model; nil: none), logs (whether changes are logged), settle (to be called when
-- the write is done)
-- Returns an error for a model of another layout, for a model whose index is lost, for one whose log is not declared, and for a
-- write that its client has given up.
local known = redis.call('HMGET', state, client, 'format', 'filled', 'logged')
local kept, logged = known[2], known[4]
--- @include "same-layout"
local format = kept
if not kept or string.sub(layout, 1, 1) == '2' then
  format = layout
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

-- What expires leaves no entry in a log.
local logs = lifetime == 0 and string.sub(format, 1, 1) == '2'
if logs then
  if log == state then
    return redis.error_reply('DIFFSYNCLOG ' .. state)
  end
  redis.call('LLEN', log) -- It fails before anything is written when the key holds something else.
end
--- @include "log-changes"

-- undone: positions joined by commas; filled: '1' when the caller knows that the index exists now; written, where logs: the unique
-- ids of the objects that were added, changed or removed, from the second element on.
local function settle(undone, filled, written)
  local changes = { client, sequence .. ' ' .. now .. ' ' .. undone, 'changed', now }
  if format ~= kept then
    changes[5], changes[6] = 'format', format
  end
  if logs and #written > 1 then
    -- Of the objects that were there before the log began, nothing is known.
    if not logged and last[2] then
      logged = logHeader({ '' }, '*')
    end
    changes[#changes + 1] = 'logged'
    changes[#changes + 1] = logHeader(written, #written - 1)
  end
  redis.call('HSET', state, unpack(changes))
  if not (known[1] and kept) then
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
