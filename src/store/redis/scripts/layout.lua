-- Included by what says that something is not there, counts or clears. Refuses a model of another layout: its objects are at
-- other keys, or expire otherwise. An object that is found is there, whatever the layout.
-- Needs: state (hash), layout (that of the store; '' for any)
-- Gives: known (the fields "format" and "filled" of the state, as in idempotent-write)
local known = redis.call('HMGET', state, 'format', 'filled')
if layout ~= '' and known[1] and known[1] ~= layout then
  return redis.error_reply('DIFFSYNCFORMAT ' .. known[1] .. '|' .. state)
end
