-- Stores a computed reference and frees its lock, if the lock is still that call's own.
-- KEYS: reference, lock.   ARGV: call, text, lifetime (ms)
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1
