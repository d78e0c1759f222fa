-- Frees a reference's lock, if it is still that call's own.
-- KEYS: lock.   ARGV: call
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
