-- Included by a write to which the caller may give the scores of its objects: those of a sequence that several shards share.
-- Needs: scores (joined by commas; '' for the next ones of this index)
-- Gives: given (the scores as strings, by position; nil for the next ones of this index)
local given
if scores ~= '' then
  given = {}
  for score in string.gmatch(scores, '[^,]+') do
    given[#given + 1] = score
  end
end
