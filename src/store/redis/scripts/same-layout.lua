-- Included by what goes by the layout of a model. Formats 1 and 2 differ in the log of changes alone, so that who knows both
-- reads and writes either.
-- Needs: state (hash), kept (the layout that it names; false for none), layout (that of the store; '' for any)
-- Returns an error for a model of another layout: its objects are at other keys, or expire otherwise.
if kept and layout ~= '' and string.match(kept, '^[12](.*)$') ~= string.match(layout, '^[12](.*)$') then
  return redis.error_reply('DIFFSYNCFORMAT ' .. kept .. '|' .. state)
end
