-- Puts a claimed pair aside until a later time; nothing when its consumer does not hold it (any more).
-- KEYS: judgment, work stream, delayed
-- ARGV: group, consumer, entry, member, delay (ms), attempts, crashes, reason
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
if #redis.call('XPENDING', KEYS[2], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2]) == 0 then return 0 end
if redis.call('HGET', KEYS[1], 'state') == 'waiting' then
  local time = redis.call('TIME')
  local due = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[5]
  redis.call('HSET', KEYS[1], 'attempts', ARGV[6], 'crashes', ARGV[7], 'reason', ARGV[8])
  redis.call('ZADD', KEYS[3], string.format('%.0f', due), ARGV[4])
end
redis.call('XACK', KEYS[2], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[2], ARGV[3])
return 1
