-- Included first, on a cluster only. While a slot moves, its keys are on two nodes, and a command on one key takes a key
-- that is on the other node for absent. A command on several keys fails there, unless all of them are on this node.
-- Needs: index, prefix, FIRST_UID, UID_STEP
-- Returns an error, before anything is written, where not all keys are on this node.
do
  local keys = { index }
  for at = FIRST_UID, #ARGV, UID_STEP do
    keys[#keys + 1] = prefix .. ARGV[at]
  end
  redis.call('EXISTS', unpack(keys))
end
