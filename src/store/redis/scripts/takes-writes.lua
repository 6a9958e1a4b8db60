#!lua
-- Does nothing. Without the flag no-writes it is a write to the server, which refuses it where it refuses writes.
-- KEYS none
-- ARGV none
-- Returns 1.
return 1
