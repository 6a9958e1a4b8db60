#!lua
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
