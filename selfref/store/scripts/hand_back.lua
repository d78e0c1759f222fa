-- Puts a claimed pair back at once, for whoever is free; nothing when its consumer does not hold it (any more).
-- KEYS: judgment or, where the entry carries the work, its job; work stream
-- ARGV: group, consumer, entry, crashes
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
if #redis.call('XPENDING', KEYS[2], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2]) == 0 then return 0 end
local entry = redis.call('XRANGE', KEYS[2], ARGV[3], ARGV[3])[1]
local state = redis.call('HGET', KEYS[1], 'state')
if entry and state == 'running' then
  local fields = entry[2] -- id, work, and where it has been tried: attempts, crashes
  redis.call('XADD', KEYS[2], '*', 'id', fields[2], 'work', fields[4], 'attempts', fields[6] or 0, 'crashes', ARGV[4])
elseif entry and state == 'waiting' then
  redis.call('HSET', KEYS[1], 'crashes', ARGV[4])
  redis.call('XADD', KEYS[2], '*', 'id', entry[2][2])
end
redis.call('XACK', KEYS[2], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[2], ARGV[3])
return 1
