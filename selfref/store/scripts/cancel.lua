-- Ends a waiting pair as canceled. Its work stays where it is: whoever picks it up sees the state and drops it.
-- KEYS: judgment, counts, finished
-- ARGV: id, cancellation, retention (ms), cap of `finished`
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'canceled' then return 1 end
if state ~= 'waiting' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'canceled', 'result', ARGV[2], 'work', '')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('HINCRBY', KEYS[2], 'canceled', 1)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'id', ARGV[1])
return 1
