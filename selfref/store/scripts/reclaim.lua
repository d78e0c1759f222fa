-- Takes over entries whose lease has run out. Returns {next cursor, {{entry, fields, deliveries}, ...}}.
-- KEYS: work stream
-- ARGV: group, consumer, lease (ms), cursor, count
local reply = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'COUNT', ARGV[5])
local taken, vanished = {}, false
for index = 1, #reply[2] do
  local entry = reply[2][index]
  if entry then
    local pending = redis.call('XPENDING', KEYS[1], ARGV[1], entry[1], entry[1], 1)
    taken[#taken + 1] = {entry[1], entry[2], pending[1][4]}
  else
    vanished = true
  end
end
if vanished then -- before Redis 7 an entry deleted from the stream stays pending for ever, and is shown without its id
  for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1000, ARGV[2])) do
    if #redis.call('XRANGE', KEYS[1], pending[1], pending[1]) == 0 then
      redis.call('XACK', KEYS[1], ARGV[1], pending[1])
    end
  end
end
return {reply[1], taken}
