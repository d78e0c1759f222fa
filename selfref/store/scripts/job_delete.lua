-- Forgets a job that has ended; its files are left to be removed. Returns 1 when it is gone, 0 when it has not ended.
-- KEYS: job, jobs of the tenant, ended jobs, deleted jobs, unarchived sequences, then its other keys
-- ARGV: id, then its sequences
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 1 end
if state == 'validating' or state == 'running' then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
for index = 2, #ARGV do redis.call('SREM', KEYS[5], ARGV[index]) end
redis.call('UNLINK', KEYS[1])
for index = 6, #KEYS do redis.call('UNLINK', KEYS[index]) end
return 1
