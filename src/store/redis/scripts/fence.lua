-- Included by every write of objects. Refuses the write of a run whose lease has gone to a later holder that has written here;
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
