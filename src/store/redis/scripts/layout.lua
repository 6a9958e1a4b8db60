-- Included by what says that something is not there, counts or clears. Refuses a model of another layout: its objects are at
-- other keys, or expire otherwise. An object that is found is there, whatever the layout.
-- Needs: state (hash), layout (that of the store; '' for any)
-- Gives: kept (the layout that the state names; false for none), absent (what it means when the index is not there; 0: the model
-- is empty, -1: its index is lost, evicted or deleted by another client, because the last write left objects, -2: it has expired)
local known = redis.call('HMGET', state, 'format', 'filled')
local kept = known[1]
--- @include "same-layout"
local absent = known[2] == '1' and -1 or known[2] == 'expires' and -2 or 0
