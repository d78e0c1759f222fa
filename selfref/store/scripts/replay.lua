-- Makes a failed pair wait again, as if it had just been accepted. Returns 1 when this call did it.
-- KEYS: judgment, work stream, counts, dead letters
-- ARGV: id, call, waiting
local now = redis.call('HMGET', KEYS[1], 'state', 'replayed_by', 'dead', 'work')
if now[2] == ARGV[2] then return 1 end -- a repetition after a lost reply
if now[1] ~= 'failed' or not now[4] then return 0 end
redis.call('HSET', KEYS[1], 'state', 'waiting', 'result', ARGV[3], 'replayed_by', ARGV[2])
redis.call('HDEL', KEYS[1], 'attempts', 'crashes', 'reason', 'dead')
redis.call('PERSIST', KEYS[1])
redis.call('XADD', KEYS[2], '*', 'id', ARGV[1])
redis.call('HINCRBY', KEYS[3], 'failed', -1)
if now[3] then redis.call('XDEL', KEYS[4], now[3]) end
return 1
