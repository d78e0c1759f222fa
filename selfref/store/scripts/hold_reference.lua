-- Takes a reference's lock, or holds it longer, unless the reference is there. Returns {held (1 or 0), text}.
-- KEYS: reference, lock.   ARGV: call, lifetime (ms)
local text = redis.call('GET', KEYS[1])
if text then return {0, text} end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return {0, false} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {1, false}
