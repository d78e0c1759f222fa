-- Puts a claimed pair aside until a later time; nothing when its consumer does not hold it (any more).
-- KEYS: judgment or, where the entry carries the work, its job; work stream, delayed, place for work that is put aside
-- ARGV: group, consumer, entry, member, delay (ms), attempts, crashes, reason
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
if #redis.call('XPENDING', KEYS[2], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2]) == 0 then return 0 end
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'waiting' or state == 'running' then
  local time = redis.call('TIME')
  local due = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[5]
  if state == 'waiting' then
    redis.call('HSET', KEYS[1], 'attempts', ARGV[6], 'crashes', ARGV[7], 'reason', ARGV[8])
  else
    local entry = redis.call('XRANGE', KEYS[2], ARGV[3], ARGV[3])[1]
    redis.call('HSET', KEYS[4], 'work', entry[2][4], 'attempts', ARGV[6], 'crashes', ARGV[7])
  end
  redis.call('ZADD', KEYS[3], string.format('%.0f', due), ARGV[4])
end
redis.call('XACK', KEYS[2], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[2], ARGV[3])
return 1
