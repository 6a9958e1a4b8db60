-- Stands after the ledger in a write that may be given the places of its objects in the order.
-- KEYS none
-- ARGV 7 places joined by commas ('': last)
-- Returns nothing: "given" holds the places as strings, by position; nil: last.
local given
if ARGV[7] ~= '' then
  given = {}
  for place in string.gmatch(ARGV[7], '[^,]+') do
    given[#given + 1] = place
  end
end
