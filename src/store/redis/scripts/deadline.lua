-- Included by every write. Refuses the write once its deadline has passed: a server that was frozen must not carry out,
-- after the writes of others, what its caller has given up.
-- Needs: deadline (in ms since 1970, by this server's clock)
-- Gives: now (in ms since 1970)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(deadline) then
  return redis.error_reply('DIFFSYNCLATE ' .. now)
end
