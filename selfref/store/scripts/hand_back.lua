-- Puts a claimed pair back at once, for whoever is free; nothing when its consumer does not hold it (any more).
-- KEYS: judgment, work stream
-- ARGV: group, consumer, entry, id, crashes
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
if #redis.call('XPENDING', KEYS[2], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2]) == 0 then return 0 end
if redis.call('HGET', KEYS[1], 'state') == 'waiting' then
  redis.call('HSET', KEYS[1], 'crashes', ARGV[5])
  redis.call('XADD', KEYS[2], '*', 'id', ARGV[4])
end
redis.call('XACK', KEYS[2], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[2], ARGV[3])
return 1
