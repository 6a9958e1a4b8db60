// Generated from the *.lua files of this folder by scripts/embed-texts.mjs: change those.
export const TEXTS: Readonly<Record<string, string>> = {
  'acquire-lease-1.lua': `#!lua
-- Takes the lease of a store where no other token has it, or takes part in the run that has it.
-- KEYS 1 lease (hash: "fence" of the last holder; until it is released also its "token", "run", "by", "process", "since" and
-- "expires", the last two in ms since 1970)
-- ARGV 1 token, 2 run, 3 by, 4 process, 5 length (in ms), 6 joins ('1' to take part in the run),
-- ARGV 7 kept (ms that the key is kept at least; 0: for ever), 8 deadline (as in deadline)
-- Returns 1, fence, token, and run, by, process and since of the holder; where it is refused 0, the ms that are left to the holder
-- (0: there is none), '', and the same of the holder.
local lease = KEYS[1]
local token, run, by, process, length, joins, kept, deadline = unpack(ARGV)
--- @include "deadline"

local found = redis.call('HMGET', lease, 'fence', 'token', 'run', 'by', 'process', 'since', 'expires')
local taken, expires = found[2], tonumber(found[7] or 0) or 0
local fence = tonumber(found[1] or 0) or 0
local own = taken and (joins == '1' and found[3] == run or joins ~= '1' and taken == token)
if own then
  expires = math.max(expires, now + length)
elseif taken and expires > now or joins == '1' then
  local left = taken and math.max(expires - now, 0) or 0
  return { 0, left, '', found[3] or '', found[4] or '', found[5] or '', found[6] or '' }
else
  expires = now + length
  -- By the clock too, so that it rises although a failover or an expiry has lost the last one.
  fence = math.max(fence + 1, now)
  found = { false, token, run, by, process, string.format('%.0f', now) }
end
local number = string.format('%.0f', fence)
local fields = { 'fence', number, 'token', found[2], 'run', found[3], 'by', found[4], 'process', found[5], 'since', found[6] }
redis.call('HSET', lease, 'expires', string.format('%.0f', expires), unpack(fields))
if kept ~= '0' then
  redis.call('PEXPIRE', lease, kept)
end
return { 1, number, found[2], found[3], found[4], found[5], found[6] }
`,
  'begin-log.lua': `#!lua
-- Raises a model to format 2, in which its changes are logged, or has a log know nothing of what was written before.
-- KEYS index (sorted set), state (hash), log (list)
-- ARGV 1 client, 2 sequence, 3 deadline, 4 layout (of the store; of a model that is raised: of format 2), 5 anew ('1' for a log that
-- knows nothing of before, else '')
-- Returns 1; 0 when there was nothing to do.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local index, state, log = KEYS[1], KEYS[2], KEYS[3]
local client, sequence, deadline, layout, anew = unpack(ARGV, 1, 5)
--- @include "deadline"

local known = redis.call('HMGET', state, 'format', 'logged')
local kept, logged = known[1], known[2]
--- @include "same-layout"
local raised = not (kept and string.sub(kept, 1, 1) == '2')
if anew == '' and not raised or raised and string.sub(layout, 1, 1) ~= '2' then
  return 0
end
-- A shard without objects gets its format too, before a writer that keeps no logs gives it another one.
local filled = redis.call('EXISTS', index) == 1
if not kept and not filled and not string.find(layout, ' shards', 1, true) then
  return 0
end
--- @include "log-changes"

-- Of a model without objects, all that comes is known.
if anew == '1' or filled then
  redis.call('HSET', state, 'logged', logHeader({ '' }, '*'))
end
if raised then
  redis.call('HSET', state, 'format', layout)
end
return 1
`,
  'changes-3.lua': `#!lua flags=no-writes
-- Reads a part of the log of changes of a model.
-- KEYS 1 index (sorted set), 2 state (hash), 3 log (list, as in log-changes)
-- ARGV 1 layout (as in layout), 2 header (that must still be where it was; '' where none must), 3 position (of this header),
-- ARGV 4 from (the position of the first element that is returned; -1: none is asked for), 5 most (how many of them at most)
-- Returns nothing where no log is kept. Else the last header and its position ('' for a model to which nothing was written), 1 when
-- the log is whole since \`from\`, else 0, and then the elements.
local index, state, log = unpack(KEYS)
local layout, header, position, from, most = unpack(ARGV)
--- @include "layout"

if string.sub(kept or layout, 1, 1) ~= '2' or absent ~= 0 and redis.call('EXISTS', index) == 0 then
  return {}
end
local logged = redis.call('HGET', state, 'logged')
if not logged then
  if redis.call('EXISTS', index, log) > 0 then
    return {}
  end
  return { '', header == '' and from == '0' and 1 or 0 }
end

local count, at = string.match(logged, ' (%S+) (%d+)$')
if not at then
  return {} -- Another program has written there.
end
local first = at + 1 + (tonumber(count) or 0) - redis.call('LLEN', log)
local whole = tonumber(from) >= math.max(first, 0)
if header ~= '' then
  -- A negative index would count from the end.
  whole = whole and tonumber(position) >= first and redis.call('LINDEX', log, position - first) == header
end
if not whole then
  return { logged, 0 }
end
local reply = redis.call('LRANGE', log, from - first, from - first + most - 1)
table.insert(reply, 1, logged)
table.insert(reply, 2, 1)
return reply
`,
  'clear.lua': `#!lua flags=allow-oom
-- Removes objects of a model, and with the last of them the state of the model, but for its fence. The caller calls it again
-- until it returns 0.
-- KEYS index (sorted set), state (hash); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 most (how many objects at most, the first ones; 0: those that follow),
-- ARGV 3 deadline (as in deadline), 4 layout (as in layout), 5 fence (as in fence), then unique ids
-- UIDS from 6 step 1
-- Returns how many objects were removed; -1 when there is no index, although the last write left objects.
local index, state = KEYS[1], KEYS[2]
local prefix, most, deadline, layout, fence = unpack(ARGV, 1, 5)
--- @include "deadline"
--- @include "layout"
--- @include "fence"

local uids = {}
if most ~= '0' then
  if redis.call('EXISTS', index) == 0 and absent == -1 then
    return -1
  end
  uids = redis.call('ZRANGE', index, 0, tonumber(most) - 1)
end
for at = FIRST_UID, #ARGV, UID_STEP do
  uids[#uids + 1] = ARGV[at]
end
if #uids > 0 then
  local objects = {}
  for at, uid in ipairs(uids) do
    objects[at] = prefix .. uid
  end
  redis.call('UNLINK', unpack(objects))
  redis.call('ZREM', index, unpack(uids))
  -- No cursor of the log, whose key goes last, is known any more.
  redis.call('HDEL', state, 'logged')
end
if redis.call('EXISTS', index) == 0 then
  if layout == '' or not redis.call('HGET', state, 'fence') then
    redis.call('UNLINK', state)
  else
    -- The fence outlasts the objects: an earlier holder of the lease may still be writing.
    for at, field in ipairs(redis.call('HGETALL', state)) do
      if at % 2 == 1 and field ~= 'fence' then
        redis.call('HDEL', state, field)
      end
    end
  end
end
return #uids
`,
  'compare-and-set.lua': `#!lua
-- Compare-and-set: replaces each object only where the expected JSON text is still there, all of them in one atomic command.
-- KEYS index (sorted set), state (hash), log (list, as in idempotent-write); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 client, 3 sequence, 4 deadline, 5 layout, 6 ttl (as in idempotent-write),
-- ARGV 7 fence (as in fence), then for each object its unique id, the expected JSON text and the one to store
-- UIDS from 8 step 3
-- Returns the positions (from 1) of the objects that had changed and were left alone.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local index, state, log = KEYS[1], KEYS[2], KEYS[3]
local prefix, client, sequence, deadline, layout, ttl, fence = unpack(ARGV, 1, 7)
--- @include "deadline"
--- @include "idempotent-write"
--- @include "fence"

local same = {}
for at = FIRST_UID, #ARGV, UID_STEP do
  same[at] = redis.call('GET', prefix .. ARGV[at]) == ARGV[at + 1]
end
local changed, written, position = {}, { '' }, 0
for at = FIRST_UID, #ARGV, UID_STEP do
  position = position + 1
  if left == nil or left[position] then
    if same[at] then
      redis.call('SET', prefix .. ARGV[at], ARGV[at + 2], 'KEEPTTL')
      written[#written + 1] = ARGV[at]
    else
      changed[#changed + 1] = position
    end
  end
end
settle(table.concat(changed, ','), nil, written)
return changed
`,
  'count.lua': `#!lua flags=no-writes
-- Counts the objects of models or shards.
-- KEYS for each: index (sorted set), state (hash)
-- ARGV 1 layout (as in layout)
-- Returns for each the number of its objects; less than 0 when its index is not there and should be (absent in layout).
local layout = ARGV[1]

local counts = {}
for at = 1, #KEYS, 2 do
  local state = KEYS[at + 1]
  --- @include "layout"
  local count = redis.call('ZCARD', KEYS[at])
  counts[#counts + 1] = count > 0 and count or absent
end
return counts
`,
  'deadline.lua': `-- Included by every write. Refuses the write once its deadline has passed: a server that was frozen must not carry out,
-- after the writes of others, what its caller has given up.
-- Needs: deadline (in ms since 1970, by this server's clock)
-- Gives: now (in ms since 1970)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(deadline) then
  return redis.error_reply('DIFFSYNCLATE ' .. now)
end
`,
  'delete.lua': `#!lua flags=allow-oom
-- Removes objects, all of them in one atomic command. Allowed on a full server, which it helps.
-- KEYS index (sorted set), state (hash), log (list, as in idempotent-write); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 client, 3 sequence, 4 deadline, 5 layout, 6 ttl (as in idempotent-write),
-- ARGV 7 fence (as in fence), then unique ids
-- UIDS from 8 step 1
-- Returns the positions (from 1) of those that were not there.
local index, state, log = KEYS[1], KEYS[2], KEYS[3]
local prefix, client, sequence, deadline, layout, ttl, fence = unpack(ARGV, 1, 7)
--- @include "deadline"
--- @include "idempotent-write"
--- @include "fence"

local uids, objects, positions, position = {}, {}, {}, 0
for at = FIRST_UID, #ARGV, UID_STEP do
  position = position + 1
  if left == nil or left[position] then
    uids[#uids + 1] = ARGV[at]
    objects[#uids] = prefix .. ARGV[at]
    positions[#uids] = position
  end
end

local missing, written = {}, { '' }
if #uids > 0 then
  local present = redis.call('EXISTS', unpack(objects))
  local listed = redis.call('ZREM', index, unpack(uids))
  if present == #uids then
    redis.call('UNLINK', unpack(objects))
  else
    for at, object in ipairs(objects) do
      if redis.call('UNLINK', object) == 0 then
        missing[#missing + 1] = positions[at]
      else
        written[#written + 1] = uids[at]
      end
    end
  end
  -- Some may have been listed and not there: which of them, is not worth a look.
  if logs and math.max(present, listed) > #written - 1 then
    for at, uid in ipairs(uids) do
      written[at + 1] = uid
    end
  end
end
settle(table.concat(missing, ','), nil, written)
return missing
`,
  'drop-log-2.lua': `#!lua flags=allow-oom
-- Removes the log of changes that a cleared model has left, unless another client has written to the model and logged it.
-- KEYS 1 state (hash), 2 log (list)
-- ARGV 1 deadline (as in deadline)
-- Returns 1 when it was there and is removed, else 0.
local state, log = unpack(KEYS)
local deadline = ARGV[1]
--- @include "deadline"

return not redis.call('HGET', state, 'logged') and redis.call('UNLINK', log) or 0
`,
  'drop-sequence.lua': `#!lua flags=allow-oom
-- Removes the sequence of a model, and what else is kept of a split model beside its shards.
-- KEYS of one slot: sequence; then the hash that names the layout, where it is known
-- ARGV 1 deadline (as in deadline), 2 layout (as in layout)
-- Returns how many of the keys were there.
local state = KEYS[2]
local deadline, layout = unpack(ARGV)
--- @include "deadline"
if state then
  --- @include "layout"
end

return redis.call('UNLINK', unpack(KEYS))
`,
  'extent-2.lua': `#!lua flags=no-writes
-- Looks at a model that is about to be read in order, and reads it where it is small.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 prefix (of the keys of objects), 2 few (of how many objects at most all are read; 0: none is looked at, because on a
-- cluster a script may not touch them),
-- ARGV 3 small (characters of JSON text that are read at most), 4 layout (as in layout)
-- Returns the number of objects (0: none; less: as absent in layout), the score of the last one, and where objects are looked at
-- the length of the longest JSON text of a sample; then unique id and JSON text of each, when there are few and small ones.
local index, state = KEYS[1], KEYS[2]
local prefix, few, small, layout = unpack(ARGV)
--- @include "layout"

local count = redis.call('ZCARD', index)
if count == 0 then
  return { absent }
end
local reply = { count, redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')[2] }
if few == '0' then
  return reply
end

local sample = {}
if count <= tonumber(few) then
  sample = redis.call('ZRANGE', index, 0, -1)
else
  for at = 0, 9 do
    local rank = math.floor(at * (count - 1) / 9)
    sample[at + 1] = redis.call('ZRANGE', index, rank, rank)[1]
  end
end
local objects, longest, sum = {}, 0, 0
for at, uid in ipairs(sample) do
  objects[at] = prefix .. uid
  local length = redis.pcall('STRLEN', objects[at])
  if type(length) == 'number' then
    longest = math.max(longest, length)
    sum = sum + length
  end
end
reply[3] = longest
if #sample == count and sum <= tonumber(small) then
  local found = redis.call('MGET', unpack(objects))
  for at, uid in ipairs(sample) do
    reply[2 + 2 * at] = uid
    reply[3 + 2 * at] = found[at]
  end
end
return reply
`,
  'fence.lua': `-- Included by every write of objects. Refuses the write of a run whose lease has gone to a later holder that has written here;
-- the first write of a later holder raises the fence of the model.
-- Needs: state (hash: "fence" of the last holder that has written here), fence (of the lease; '' for a write under none)
if fence ~= '' then
  local highest = redis.call('HGET', state, 'fence')
  if highest and tonumber(highest) > tonumber(fence) then
    return redis.error_reply('DIFFSYNCFENCE ' .. highest)
  end
  if highest ~= fence then
    redis.call('HSET', state, 'fence', fence)
  end
end
`,
  'given-scores.lua': `-- Included by a write to which the caller may give the scores of its objects: those of a sequence that several shards share.
-- Needs: scores (joined by commas; '' for the next ones of this index)
-- Gives: given (the scores as strings, by position; nil for the next ones of this index)
local given
if scores ~= '' then
  given = {}
  for score in string.gmatch(scores, '[^,]+') do
    given[#given + 1] = score
  end
end
`,
  'idempotent-write.lua': `-- Included by every write of objects. Makes the write idempotent: a write whose reply was lost may be sent again; what it
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
`,
  'index-page-1.lua': `#!lua flags=no-writes
-- Reads a page of a model's unique ids in order, as one text: a client takes several times as long for a reply of as many elements.
-- KEYS 1 index (sorted set)
-- ARGV 1 from (a score), 2 to (a score), both as in ZRANGE, 3 most (how many; more where objects of one score would be torn apart),
-- ARGV 4 scores (1: they are wanted)
-- Returns the score of the last one where there may be more, else '', and a JSON array: the unique ids; with scores, both alternately.
local index = KEYS[1]
local from, to, most, scores = unpack(ARGV)
local found, step
if scores == '1' then
  found, step = redis.call('ZRANGE', index, from, to, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES'), 2
else
  found, step = redis.call('ZRANGE', index, from, to, 'BYSCORE', 'LIMIT', 0, most), 1
end
local count = #found / step
if count == 0 then
  return { '', '[]' }
end
if count < tonumber(most) then
  return { '', cjson.encode(found) }
end

local uid = found[#found - step + 1]
local last = redis.call('ZSCORE', index, uid)
-- Objects may have one score after a failover or a clear that lost the counter.
local isBehind = false
for _, other in ipairs(redis.call('ZRANGE', index, last, last, 'BYSCORE')) do
  if isBehind then
    found[#found + 1] = other
    if step == 2 then
      found[#found + 1] = last
    end
  end
  isBehind = isBehind or other == uid
end
return { last, cjson.encode(found) }
`,
  'insert.lua': `#!lua
-- Stores objects where there are none, all of them in one atomic command.
-- KEYS index (sorted set), state (hash), log (list, as in idempotent-write); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 client, 3 sequence, 4 deadline, 5 layout, 6 ttl (as in idempotent-write),
-- ARGV 7 fence (as in fence), 8 scores (as in given-scores), then for each object its unique id and its JSON text
-- UIDS from 9 step 2
-- Returns a flat list: 1 when the model may have had no object before, else 0; then for each object that met another one its
-- position (from 1) and the JSON text of that other object.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local index, state, log = KEYS[1], KEYS[2], KEYS[3]
local prefix, client, sequence, deadline, layout, ttl, fence, scores = unpack(ARGV, 1, 8)
--- @include "deadline"
--- @include "idempotent-write"
--- @include "fence"
--- @include "given-scores"

local score = tonumber(last[2] or 0)

local positions, objects, members, size, position = {}, {}, {}, 0, 0
for at = FIRST_UID, #ARGV, UID_STEP do
  position = position + 1
  if left == nil or left[position] then
    score = score + 1
    objects[size + 1] = prefix .. ARGV[at]
    objects[size + 2] = ARGV[at + 1]
    members[size + 1] = given and given[position] or score
    members[size + 2] = ARGV[at]
    size = size + 2
    positions[size] = position
  end
end

-- The first attempt of a repeated write may have been the one that found the model empty.
local reply, undone, written = { last[2] and left == nil and 0 or 1 }, {}, { '' }
if size > 0 and redis.call('MSETNX', unpack(objects)) == 1 then
  redis.call('ZADD', index, 'NX', unpack(members))
  if expiry then
    for at = 1, size, 2 do
      redis.call('PEXPIREAT', objects[at], expiry)
    end
  end
  for at = 2, logs and size or 0, 2 do
    written[at / 2 + 1] = members[at]
  end
else
  local keys = {}
  for at = 1, size, 2 do
    keys[#keys + 1] = objects[at]
  end
  local found = size > 0 and redis.call('MGET', unpack(keys)) or {}
  for at = 1, size, 2 do
    local object = (at + 1) / 2
    -- MGET finds nothing where a key holds something else; GET fails there.
    found[object] = found[object] or redis.call('GET', objects[at])
  end
  for at = 1, size, 2 do
    local json = found[(at + 1) / 2]
    if json then
      reply[#reply + 1] = positions[at + 1]
      reply[#reply + 1] = json
      undone[#undone + 1] = positions[at + 1]
    else
      redis.call('SET', objects[at], objects[at + 1])
      written[#written + 1] = members[at + 1]
      if expiry then
        redis.call('PEXPIREAT', objects[at], expiry)
      end
    end
  end
  -- An object that was there and not listed is listed now.
  if size > 0 and redis.call('ZADD', index, 'NX', unpack(members)) ~= #written - 1 then
    for at = 2, size, 2 do
      written[at / 2 + 1] = members[at]
    end
  end
end
if expiry and not last[2] then
  redis.call('PEXPIREAT', index, expiry)
end
settle(table.concat(undone, ','), size > 0 and '1', written)
return reply
`,
  'inspect.lua': `#!lua flags=no-writes
-- Compares objects with the index, each of them at one moment.
-- KEYS index (sorted set), state (hash); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), then unique ids
-- UIDS from 2 step 1
-- Returns for each: "fine", "gone" (neither is there), "dangling" (the index lists it, and there is no object), "unindexed"
-- (the index does not list the object) or "wrong-type" (the key holds something else than a string).
local index = KEYS[1]
local prefix = ARGV[1]

local found, position = {}, 0
for at = FIRST_UID, #ARGV, UID_STEP do
  position = position + 1
  local key = prefix .. ARGV[at]
  local score = redis.call('ZSCORE', index, ARGV[at])
  if redis.call('EXISTS', key) == 0 then
    found[position] = score and 'dangling' or 'gone'
  elseif type(redis.pcall('STRLEN', key)) == 'table' then
    found[position] = 'wrong-type'
  else
    found[position] = score and 'fine' or 'unindexed'
  end
end
return found
`,
  'layout.lua': `-- Included by what says that something is not there, counts or clears. Refuses a model of another layout: its objects are at
-- other keys, or expire otherwise. An object that is found is there, whatever the layout.
-- Needs: state (hash), layout (that of the store; '' for any)
-- Gives: kept (the layout that the state names; false for none), absent (what it means when the index is not there; 0: the model
-- is empty, -1: its index is lost, evicted or deleted by another client, because the last write left objects, -2: it has expired)
local known = redis.call('HMGET', state, 'format', 'filled')
local kept = known[1]
--- @include "same-layout"
local absent = known[2] == '1' and -1 or known[2] == 'expires' and -2 or 0
`,
  'lease-holder-1.lua': `#!lua flags=no-writes
-- Reads who holds a lease.
-- KEYS 1 lease (as in acquire-lease)
-- ARGV none
-- Returns run, by, process and since of the holder; nothing when there is none, or its lease has expired.
local time = redis.call('TIME')
local found = redis.call('HMGET', KEYS[1], 'run', 'by', 'process', 'since', 'expires', 'token')
if not found[6] or (tonumber(found[5] or 0) or 0) <= time[1] * 1000 + math.floor(time[2] / 1000) then
  return {}
end
return { found[1] or '', found[2] or '', found[3] or '', found[4] or '' }
`,
  'log-changes.lua': `-- Included by what writes to the log of changes: the unique ids of each write, behind a header that no other write has: client,
-- sequence, the server's time, and how many unique ids follow ("*": what was written before is not known).
-- Needs: time, index, log (list), client, sequence, logged (the field of the state: the last header, and its position since the log
-- began; false when nothing was logged)
-- Gives: logHeader (appends a header and what follows it, and returns the new value of the field)
if logged and not string.find(logged, ' %S+ %d+$') then
  logged = false -- Another program has written there.
end
-- Elements that are kept at least, and for how many objects one more is.
local KEPT, OBJECTS_A_KEPT = 16384, 8
-- The length is looked at once for so many elements.
local TRIMMED_EACH = 1024
-- A list of this length is unpacked at a time: the stack of Lua has a bound.
local UNPACKED = 4000

-- elements: the first is replaced by the header. count: what that says of the number of the others.
local function logHeader(elements, count)
  local position = 0
  if logged then
    local before, at = string.match(logged, ' (%S+) (%d+)$')
    position = at + 1 + (tonumber(before) or 0)
  end
  elements[1] = client .. ':' .. sequence .. ':' .. time[1] .. '.' .. time[2] .. ' ' .. count
  local length = 0
  for first = 1, #elements, UNPACKED do
    length = redis.call('RPUSH', log, unpack(elements, first, math.min(first + UNPACKED - 1, #elements)))
  end
  if length > KEPT and length % TRIMMED_EACH < #elements then
    local most = math.max(KEPT, math.floor(redis.call('ZCARD', index) / OBJECTS_A_KEPT))
    redis.call('LTRIM', log, -most, -1)
  end
  return elements[1] .. ' ' .. string.format('%.0f', position)
end
`,
  'multi-model-write.lua': `#!lua
-- Writes the pending changes of several models, all of them in one atomic command.
-- KEYS for each model: index (sorted set), state (hash), log (list, as in idempotent-write)
-- ARGV 1 client, 2 sequence, 3 deadline, 4 layout, 5 ttl (as in idempotent-write), 6 fence (as in fence), then for each
-- model: prefix (of the keys of objects), and the lengths of the lists that follow: unique ids to remove first; unique id and
-- JSON text of each object to insert; the same of each object to put; unique id, expected JSON text and the one to store of
-- each object to change; unique ids to remove
-- Returns for each model what insert returns; nothing, having done nothing, when an object to change has changed.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local client, sequence, deadline, layout, ttl, fence = unpack(ARGV, 1, 6)
--- @include "deadline"

local REPLACED, INSERTS, PUTS, CHANGES, REMOVED = 1, 2, 3, 4, 5
-- How many arguments an item of each list has.
local ARGS_PER_ITEM = { 1, 2, 2, 3, 1 }

local function beginWrite(index, state, log, prefix)
  --- @include "idempotent-write"
  --- @include "fence"
  return { index = index, prefix = prefix, left = left, expiry = expiry, logs = logs, settle = settle }
end

-- Each list holds the positions in ARGV at which its items begin.
local models, start = {}, 7
for key = 1, #KEYS, 3 do
  local model = beginWrite(KEYS[key], KEYS[key + 1], KEYS[key + 2], ARGV[start])
  if model.err then
    return model
  end
  local at = start + 1 + #ARGS_PER_ITEM
  for list, count in ipairs(ARGS_PER_ITEM) do
    model[list] = {}
    for _ = 1, tonumber(ARGV[start + list]) do
      table.insert(model[list], at)
      at = at + count
    end
  end
  start = at
  table.insert(models, model)
end

local function keysOf(model, list)
  local keys = {}
  for number, at in ipairs(list) do
    keys[number] = model.prefix .. ARGV[at]
  end
  return keys
end

-- Fails where a key holds something else than a string, for which MGET finds nothing.
local function checkTypes(keys)
  local strings = 0
  for _, json in ipairs(#keys > 0 and redis.call('MGET', unpack(keys)) or {}) do
    strings = strings + (json and 1 or 0)
  end
  if #keys > 0 and redis.call('EXISTS', unpack(keys)) > strings then
    for _, key in ipairs(keys) do
      redis.call('STRLEN', key)
    end
  end
end

for _, model in ipairs(models) do
  checkTypes(keysOf(model, model[INSERTS]))
  checkTypes(keysOf(model, model[PUTS]))
  for _, at in ipairs(model.left == nil and model[CHANGES] or {}) do
    if redis.call('GET', model.prefix .. ARGV[at]) ~= ARGV[at + 1] then
      return {}
    end
  end
end

local replies = {}
for number, model in ipairs(models) do
  local written = { '' }
  local function note(at)
    if model.logs then
      written[#written + 1] = ARGV[at]
    end
  end
  -- What is replaced is stored again, and noted there.
  local function remove(list)
    if #list > 0 then
      local uids = {}
      for each, at in ipairs(list) do
        uids[each] = ARGV[at]
      end
      local listed = redis.call('ZREM', model.index, unpack(uids))
      return math.max(listed, redis.call('UNLINK', unpack(keysOf(model, list))))
    end
    return 0
  end
  local new = model.left == nil
  if new then
    remove(model[REPLACED])
  end
  local last = redis.call('ZRANGE', model.index, -1, -1, 'WITHSCORES')
  local score = tonumber(last[2] or 0)
  local objects, members = {}, {}
  local function store(at)
    table.insert(objects, model.prefix .. ARGV[at])
    table.insert(objects, ARGV[at + 1])
    note(at)
  end
  local function addMember(at)
    score = score + 1
    table.insert(members, score)
    table.insert(members, ARGV[at])
  end

  -- The first attempt of a repeated write may have been the one that found the model empty.
  local reply, undone = { last[2] and new and 0 or 1 }, {}
  local inserts = keysOf(model, model[INSERTS])
  local found = #inserts > 0 and redis.call('MGET', unpack(inserts))
  for position, at in ipairs(model[INSERTS]) do
    if new or model.left[position] then
      if found[position] then
        table.insert(reply, position)
        table.insert(reply, found[position])
        table.insert(undone, position)
        if model.logs and not redis.call('ZSCORE', model.index, ARGV[at]) then
          note(at) -- It was there and not listed.
        end
      else
        store(at)
      end
      addMember(at)
    end
  end
  for _, at in ipairs(new and model[PUTS] or {}) do
    store(at)
    addMember(at)
  end
  if #members > 0 then
    redis.call('ZADD', model.index, 'NX', unpack(members))
  end
  if model.expiry then
    for at = 1, #objects, 2 do
      local joins = redis.call('EXISTS', objects[at]) == 0
      redis.call('SET', objects[at], objects[at + 1], 'KEEPTTL')
      if joins then
        redis.call('PEXPIREAT', objects[at], model.expiry)
      end
    end
  elseif #objects > 0 then
    redis.call('MSET', unpack(objects))
  end
  if new then
    for _, at in ipairs(model[CHANGES]) do
      redis.call('SET', model.prefix .. ARGV[at], ARGV[at + 2], 'KEEPTTL')
      note(at)
    end
    if remove(model[REMOVED]) > 0 then
      for _, at in ipairs(model[REMOVED]) do
        note(at)
      end
    end
  end
  if model.expiry and not last[2] then
    redis.call('PEXPIREAT', model.index, model.expiry)
  end
  model.settle(table.concat(undone, ','), nil, written)
  replies[number] = reply
end
return replies
`,
  'put.lua': `#!lua
-- Stores objects, replacing those that are there, all of them in one atomic command. An object that is there keeps its
-- score; a new one goes last.
-- KEYS index (sorted set), state (hash), log (list, as in idempotent-write); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 client, 3 sequence, 4 deadline, 5 layout, 6 ttl (as in idempotent-write),
-- ARGV 7 fence (as in fence), 8 scores (as in given-scores), then for each object its unique id and its JSON text
-- UIDS from 9 step 2
-- Returns 1 when the model may have had no object before, else 0.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local index, state, log = KEYS[1], KEYS[2], KEYS[3]
local prefix, client, sequence, deadline, layout, ttl, fence, scores = unpack(ARGV, 1, 8)
--- @include "deadline"
--- @include "idempotent-write"
--- @include "fence"
--- @include "given-scores"

local score = tonumber(last[2] or 0)

local written = { '' }
if left == nil then
  local objects, members, size, position = {}, {}, 0, 0
  for at = FIRST_UID, #ARGV, UID_STEP do
    position = position + 1
    score = score + 1
    objects[size + 1] = prefix .. ARGV[at]
    redis.call('STRLEN', objects[size + 1]) -- MSET would replace a key of another type.
    objects[size + 2] = ARGV[at + 1]
    members[size + 1] = given and given[position] or score
    members[size + 2] = ARGV[at]
    size = size + 2
    if logs then
      written[position + 1] = ARGV[at]
    end
  end
  redis.call('ZADD', index, 'NX', unpack(members))
  if expiry then
    for at = 1, size, 2 do
      local new = redis.call('EXISTS', objects[at]) == 0
      redis.call('SET', objects[at], objects[at + 1], 'KEEPTTL')
      if new then
        redis.call('PEXPIREAT', objects[at], expiry)
      end
    end
    if not last[2] then
      redis.call('PEXPIREAT', index, expiry)
    end
  else
    redis.call('MSET', unpack(objects))
  end
end
settle('', left == nil and '1', written)
-- The first attempt of a repeated write may have been the one that found the model empty.
return last[2] and left == nil and 0 or 1
`,
  'recheck.lua': `#!lua flags=no-writes
-- Reads objects and their scores at one moment, for the unique ids whose objects were not found.
-- KEYS index (sorted set), state (hash); on a cluster then each object
-- ARGV 1 prefix (of the keys of objects), 2 layout (as in layout), then unique ids
-- UIDS from 3 step 1
-- Returns for each its JSON text, or 0 when it is gone, 1 when the index lists it and there is no object, 2 when its key
-- holds something else than a string, 3 when the index is lost, so that it cannot be told, 4 when it has expired.
local index, state = KEYS[1], KEYS[2]
local prefix, layout = unpack(ARGV, 1, 2)
--- @include "layout"

local gone = absent < 0 and redis.call('EXISTS', index) == 0 and 2 - absent
local found, position = {}, 0
for at = FIRST_UID, #ARGV, UID_STEP do
  position = position + 1
  local json = redis.pcall('GET', prefix .. ARGV[at])
  if type(json) == 'table' then
    found[position] = 2
  else
    found[position] = json or gone or (redis.call('ZSCORE', index, ARGV[at]) and 1 or 0)
  end
end
return found
`,
  'release-lease-1.lua': `#!lua flags=allow-oom
-- Ends a lease; its fence stays.
-- KEYS 1 lease (as in acquire-lease)
-- ARGV 1 token, 2 deadline (as in deadline)
-- Returns 1 when the token had it, else 0.
local lease = KEYS[1]
local token, deadline = unpack(ARGV)
--- @include "deadline"

if redis.call('HGET', lease, 'token') ~= token then
  return 0
end
redis.call('HDEL', lease, 'token', 'run', 'by', 'process', 'since', 'expires')
return 1
`,
  'renew-lease-1.lua': `#!lua flags=allow-oom
-- Puts off the expiry of a lease, also of one that has expired and that no other run has taken since; never makes it earlier.
-- KEYS 1 lease (as in acquire-lease)
-- ARGV 1 token, 2 length (in ms), 3 kept (as in acquire-lease), 4 deadline (as in deadline)
-- Returns 1; 0 when the token does not have it any more.
local lease = KEYS[1]
local token, length, kept, deadline = unpack(ARGV)
--- @include "deadline"

local found = redis.call('HMGET', lease, 'token', 'expires')
if found[1] ~= token then
  return 0
end
local expires = math.max(now + length, tonumber(found[2] or 0) or 0)
redis.call('HSET', lease, 'expires', string.format('%.0f', expires))
if kept ~= '0' then
  redis.call('PEXPIRE', lease, kept)
end
return 1
`,
  'renew.lua': `#!lua flags=allow-oom
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
`,
  'repair.lua': `#!lua
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
`,
  'same-layout.lua': `-- Included by what goes by the layout of a model. Formats 1 and 2 differ in the log of changes alone, so that who knows both
-- reads and writes either.
-- Needs: state (hash), kept (the layout that it names; false for none), layout (that of the store; '' for any)
-- Returns an error for a model of another layout: its objects are at other keys, or expire otherwise.
if kept and layout ~= '' and string.match(kept, '^[12](.*)$') ~= string.match(layout, '^[12](.*)$') then
  return redis.error_reply('DIFFSYNCFORMAT ' .. kept .. '|' .. state)
end
`,
  'scores-2.lua': `#!lua flags=no-writes
-- Says where objects stand in the order of a model.
-- KEYS 1 index (sorted set), 2 state (hash)
-- ARGV 1 layout (as in layout), then unique ids
-- Returns for each its score, or '' when it is not listed. Less than 0 instead of all when the index is not there and should be
-- (absent in layout).
local index, state = KEYS[1], KEYS[2]
local layout = ARGV[1]
--- @include "layout"

if absent < 0 and redis.call('EXISTS', index) == 0 then
  return absent
end
local scores = {}
for at = 2, #ARGV do
  scores[at - 1] = redis.call('ZSCORE', index, ARGV[at]) or ''
end
return scores
`,
  'takes-writes.lua': `#!lua
-- Does nothing. Without the flag no-writes it is a write to the server, which refuses it where it refuses writes.
-- KEYS none
-- ARGV none
-- Returns 1.
return 1
`,
  'time-1.lua': `#!lua flags=no-writes
-- Reads the clock of the node that holds a key.
-- KEYS 1 key (it only says which node)
-- ARGV none
-- Returns seconds since 1970, and microseconds of the second.
return redis.call('TIME')
`,
  'time-left-1.lua': `#!lua flags=no-writes
-- Says when a model expires.
-- KEYS 1 index (sorted set)
-- ARGV none
-- Returns the milliseconds that are left; less than 0 when it has no objects, or never expires.
local time = redis.call('TIME')
local expiry = redis.call('PEXPIRETIME', KEYS[1])
return expiry < 0 and expiry or math.max(0, expiry - time[1] * 1000 - math.floor(time[2] / 1000))
`,
  'unregister-model-1.lua': `#!lua flags=allow-oom
-- Removes a model from the set of models of a store.
-- KEYS 1 models (set)
-- ARGV 1 model (name), 2 deadline (as in deadline)
-- Returns 1 when it was there, else 0.
local models = KEYS[1]
local model, deadline = unpack(ARGV)
--- @include "deadline"

return redis.call('SREM', models, model)
`,
};
