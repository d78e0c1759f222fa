-- Moves pairs whose time has come from the delayed set back to their streams. Returns how many.
-- KEYS: delayed, interactive stream, batch stream
-- ARGV: most to move, prefix of interactive members (as long as that of batch members)
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, member in ipairs(due) do
  local prefix = string.sub(member, 1, #ARGV[2])
  local stream = prefix == ARGV[2] and KEYS[2] or KEYS[3]
  redis.call('XADD', stream, '*', 'id', string.sub(member, #ARGV[2] + 1))
  redis.call('ZREM', KEYS[1], member)
end
return #due
