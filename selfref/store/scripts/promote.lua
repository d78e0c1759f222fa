-- Moves pairs whose time has come from the delayed set back to their streams. Returns how many.
-- KEYS: delayed, interactive stream, batch stream
-- ARGV: most to move, prefix of interactive members (as long as that of batch members), prefix of the keys under which
-- the work of a job's pair is put aside (they share the shard's hash tag)
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, member in ipairs(due) do
  local prefix, id = string.sub(member, 1, #ARGV[2]), string.sub(member, #ARGV[2] + 1)
  local stream = prefix == ARGV[2] and KEYS[2] or KEYS[3]
  local aside = redis.call('HMGET', ARGV[3] .. id, 'work', 'attempts', 'crashes')
  if aside[1] then
    redis.call('XADD', stream, '*', 'id', id, 'work', aside[1], 'attempts', aside[2], 'crashes', aside[3])
    redis.call('UNLINK', ARGV[3] .. id)
  else
    redis.call('XADD', stream, '*', 'id', id)
  end
  redis.call('ZREM', KEYS[1], member)
end
return #due
