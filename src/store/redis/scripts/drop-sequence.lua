#!lua flags=allow-oom
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
