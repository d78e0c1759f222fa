-- Forgets a job that has ended, all at once; its files are left to be removed. Its id is not to be used again for a while:
-- entries of a canceled job may still lie about, and would be taken for the new one's.
-- Returns 1 when it is gone, 0 when it has not ended.
-- KEYS: job, jobs of the tenant, ended jobs, deleted jobs, unarchived sequences, garbage, the id's tombstone,
-- segments of results, segments of failures, then its other keys
-- ARGV: id, lifetime of the tombstone (ms), then its sequences
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 1 end
if state == 'validating' or state == 'running' then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
redis.call('SET', KEYS[7], 1, 'PX', ARGV[2])
for index = 3, #ARGV do redis.call('SREM', KEYS[5], ARGV[index]) end
for index = 8, 9 do
  for _, member in ipairs(redis.call('ZRANGE', KEYS[index], 0, -1)) do
    redis.call('SADD', KEYS[6], cjson.decode(member).file)
  end
end
redis.call('UNLINK', KEYS[1])
for index = 8, #KEYS do redis.call('UNLINK', KEYS[index]) end
return 1
