-- Takes over entries whose lease has run out. Returns {next cursor, {{entry, fields, deliveries}, ...}}.
-- XAUTOCLAIM gives up after ten entries for each that it may take, and a busy worker has room for one: it is asked again
-- until enough are taken or the end is reached, so that what is left behind is found by one call and not by many.
-- KEYS: work stream
-- ARGV: group, consumer, lease (ms), cursor, count
local LOOKS = 200 -- a bound for the time of one call: at least 2000 entries, a fraction of a millisecond
local cursor, count = ARGV[4], tonumber(ARGV[5])
local taken, vanished = {}, false
for _ = 1, LOOKS do
  local reply = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], cursor, 'COUNT', count - #taken)
  cursor = reply[1]
  for index = 1, #reply[2] do
    local entry = reply[2][index]
    if entry then
      local pending = redis.call('XPENDING', KEYS[1], ARGV[1], entry[1], entry[1], 1)
      taken[#taken + 1] = {entry[1], entry[2], pending[1][4]}
    else
      vanished = true
    end
  end
  if #taken >= count or cursor == '0-0' then break end
end
if vanished then -- before Redis 7 an entry deleted from the stream stays pending for ever, and is shown without its id
  for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1000, ARGV[2])) do
    if #redis.call('XRANGE', KEYS[1], pending[1], pending[1]) == 0 then
      redis.call('XACK', KEYS[1], ARGV[1], pending[1])
    end
  end
end
return {cursor, taken}
