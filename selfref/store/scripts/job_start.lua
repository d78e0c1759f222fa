-- A validated job begins to run, or fails because too much of it was refused. Returns 1 when this call did it.
-- KEYS: job, open jobs, ended jobs, unarchived sequences
-- ARGV: id, state to enter, lines, pairs, checks, time (ms), reason, then the sequences that it will write
if redis.call('HGET', KEYS[1], 'state') ~= 'validating' then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2], 'lines', ARGV[3], 'started', ARGV[6])
if ARGV[2] == 'running' then
  redis.call('HSET', KEYS[1], 'submitted', ARGV[4], 'checks', ARGV[5], 'planned', ARGV[4] + ARGV[5], 'fed', 0)
  for index = 8, #ARGV do redis.call('SADD', KEYS[4], ARGV[index]) end
else
  redis.call('HSET', KEYS[1], 'reason', ARGV[7], 'ended', ARGV[6])
  redis.call('SREM', KEYS[2], ARGV[1])
  redis.call('ZADD', KEYS[3], ARGV[6], ARGV[1])
end
return 1
