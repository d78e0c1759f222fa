-- uses: waiting
-- Ends a job as canceled, with all that waits of it. What workers hold they drop when they next look. Returns its state.
-- KEYS: job, open jobs, ended jobs, ready list, turns, turns of the tenant, credits
-- ARGV: id, time (ms), tenant
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'validating' and state ~= 'running' then return state end
redis.call('HSET', KEYS[1], 'state', 'canceled', 'ended', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'canceled', waiting(KEYS[1]))
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
if redis.call('UNLINK', KEYS[4]) == 1 then
  redis.call('LREM', KEYS[6], 1, ARGV[1])
  if redis.call('EXISTS', KEYS[6]) == 0 then
    redis.call('LREM', KEYS[5], 1, ARGV[3])
    redis.call('HDEL', KEYS[7], ARGV[3])
  end
end
return 'canceled'
