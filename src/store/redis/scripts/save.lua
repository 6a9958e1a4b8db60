#!lua
-- Saves what waits for several models. One atomic step for all of it.
-- KEYS for each model: index (sorted set), state (hash)
-- ARGV 1 to 5 as 2 to 6 in the ledger; then for each model: object key prefix, and how long each list is of those that
-- follow: unique ids to remove first; unique id and text of each object to insert; of each to put; unique id, expected text
-- and text of each to change; unique ids to remove
-- Returns for each model what insert-2 returns; nothing, having done nothing, when an object to change has changed.
-- Fails with WRONGTYPE, having written nothing, when a key holds something else.
local REPLACED, INSERTS, PUTS, SWAPS, REMOVED = 1, 2, 3, 4, 5

-- Each list holds where its items begin in ARGV.
local models, start = {}, 6
for key = 1, #KEYS, 2 do
  local model = ledger({ KEYS[key], KEYS[key + 1] }, { ARGV[start], unpack(ARGV, 1, 5) })
  if model.err then
    return model
  end
  model.index = KEYS[key]
  local at = start + 6
  for list, each in ipairs({ 1, 2, 2, 3, 1 }) do
    model[list] = {}
    for _ = 1, tonumber(ARGV[start + list]) do
      table.insert(model[list], at)
      at = at + each
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

-- MGET finds nothing where a key holds something else.
local function checkTypes(keys)
  local texts = 0
  for _, text in ipairs(#keys > 0 and redis.call('MGET', unpack(keys)) or {}) do
    texts = texts + (text and 1 or 0)
  end
  if #keys > 0 and redis.call('EXISTS', unpack(keys)) > texts then
    for _, key in ipairs(keys) do
      redis.call('STRLEN', key)
    end
  end
end

for _, model in ipairs(models) do
  checkTypes(keysOf(model, model[INSERTS]))
  checkTypes(keysOf(model, model[PUTS]))
  for _, at in ipairs(model.left == nil and model[SWAPS] or {}) do
    if redis.call('GET', model.prefix .. ARGV[at]) ~= ARGV[at + 1] then
      return {}
    end
  end
end

local answers = {}
for number, model in ipairs(models) do
  local function remove(list)
    if #list > 0 then
      local uids = {}
      for each, at in ipairs(list) do
        uids[each] = ARGV[at]
      end
      redis.call('ZREM', model.index, unpack(uids))
      redis.call('UNLINK', unpack(keysOf(model, list)))
    end
  end
  local new = model.left == nil
  if new then
    remove(model[REPLACED])
  end
  local last = redis.call('ZRANGE', model.index, -1, -1, 'WITHSCORES')
  local score = tonumber(last[2] or 0)
  local objects, places = {}, {}
  local function store(at)
    table.insert(objects, model.prefix .. ARGV[at])
    table.insert(objects, ARGV[at + 1])
  end
  local function place(at)
    score = score + 1
    table.insert(places, score)
    table.insert(places, ARGV[at])
  end

  -- A repeated write may be the one that found it empty.
  local answer, undone = { last[2] and new and 0 or 1 }, {}
  local inserts = keysOf(model, model[INSERTS])
  local there = #inserts > 0 and redis.call('MGET', unpack(inserts))
  for position, at in ipairs(model[INSERTS]) do
    if new or model.left[position] then
      if there[position] then
        table.insert(answer, position)
        table.insert(answer, there[position])
        table.insert(undone, position)
      else
        store(at)
      end
      place(at)
    end
  end
  for _, at in ipairs(new and model[PUTS] or {}) do
    store(at)
    place(at)
  end
  if #places > 0 then
    redis.call('ZADD', model.index, 'NX', unpack(places))
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
    for _, at in ipairs(model[SWAPS]) do
      redis.call('SET', model.prefix .. ARGV[at], ARGV[at + 2], 'KEEPTTL')
    end
    remove(model[REMOVED])
  end
  if model.expiry and not last[2] then
    redis.call('PEXPIREAT', model.index, model.expiry)
  end
  model.settle(table.concat(undone, ','))
  answers[number] = answer
end
return answers
