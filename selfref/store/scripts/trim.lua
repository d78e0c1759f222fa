-- Drops the oldest labels up to and including one stream id, and remembers that they are gone. Returns how many.
-- KEYS: labels, trimmed
-- ARGV: stream id, most to drop
local entries = redis.call('XRANGE', KEYS[1], '-', ARGV[1], 'COUNT', ARGV[2])
for _, entry in ipairs(entries) do redis.call('XDEL', KEYS[1], entry[1]) end
if #entries > 0 then redis.call('SET', KEYS[2], entries[#entries][1]) end
return #entries
