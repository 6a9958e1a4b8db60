#!lua
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
