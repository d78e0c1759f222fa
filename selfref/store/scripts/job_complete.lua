-- uses: waiting
-- Ends a running job whose pairs and checks have all ended. Returns 1 when the job is complete.
-- KEYS: job, open jobs, ended jobs
-- ARGV: id, time (ms)
local now = redis.call('HMGET', KEYS[1], 'state', 'checks', 'checks_ended')
if now[1] == 'completed' then return 1 end
if now[1] ~= 'running' or waiting(KEYS[1]) > 0 or tonumber(now[2]) > tonumber(now[3] or 0) then return 0 end
redis.call('HSET', KEYS[1], 'state', 'completed', 'ended', ARGV[2])
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
return 1
