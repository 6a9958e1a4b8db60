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

for _, model in ipairs(models) do
  for _, at in ipairs(model[INSERTS]) do
    redis.call('STRLEN', model.prefix .. ARGV[at])
  end
  for _, at in ipairs(model[PUTS]) do
    redis.call('STRLEN', model.prefix .. ARGV[at])
  end
  for _, at in ipairs(model.left == nil and model[SWAPS] or {}) do
    if redis.call('GET', model.prefix .. ARGV[at]) ~= ARGV[at + 1] then
      return {}
    end
  end
end

local answers = {}
for number, model in ipairs(models) do
  local function remove(list)
    for _, at in ipairs(model[list]) do
      redis.call('ZREM', model.index, ARGV[at])
      redis.call('UNLINK', model.prefix .. ARGV[at])
    end
  end
  local new = model.left == nil
  if new then
    remove(REPLACED)
  end
  local last = redis.call('ZRANGE', model.index, -1, -1, 'WITHSCORES')
  local score = tonumber(last[2] or 0)
  local function store(at)
    local object = model.prefix .. ARGV[at]
    local joins = model.expiry and redis.call('EXISTS', object) == 0
    redis.call('SET', object, ARGV[at + 1], 'KEEPTTL')
    if joins then
      redis.call('PEXPIREAT', object, model.expiry)
    end
  end
  local function place(at)
    score = score + 1
    redis.call('ZADD', model.index, 'NX', score, ARGV[at])
  end

  -- A repeated write may be the one that found it empty.
  local answer, undone = { last[2] and new and 0 or 1 }, {}
  for position, at in ipairs(model[INSERTS]) do
    if new or model.left[position] then
      local there = redis.call('GET', model.prefix .. ARGV[at])
      if there then
        table.insert(answer, position)
        table.insert(answer, there)
        table.insert(undone, position)
      else
        store(at)
      end
      place(at)
    end
  end
  if new then
    for _, at in ipairs(model[PUTS]) do
      store(at)
      place(at)
    end
    for _, at in ipairs(model[SWAPS]) do
      redis.call('SET', model.prefix .. ARGV[at], ARGV[at + 2], 'KEEPTTL')
    end
    remove(REMOVED)
  end
  if model.expiry and not last[2] then
    redis.call('PEXPIREAT', model.index, model.expiry)
  end
  model.settle(table.concat(undone, ','))
  answers[number] = answer
end
return answers
