-- Stands first in a script on a cluster. A slot that moves has its keys on two nodes, and a command of one key takes what
-- is on the other node for absent. One of several keys fails there unless all of them are at hand.
-- KEYS 1 index (sorted set)
-- ARGV 1 object key prefix; the unique ids are from FIRST_UID on, every ARGS_EACH
-- Returns an error, before anything is written, where not all are at hand.
do
  local touched = { KEYS[1] }
  for at = FIRST_UID, #ARGV, ARGS_EACH do
    touched[#touched + 1] = ARGV[1] .. ARGV[at]
  end
  redis.call('EXISTS', unpack(touched))
end
