-- Makes an upload known, once. Returns {'registered'}, {'there', fingerprint, tenant} for an id that is taken, or {'gone'}
-- for that of a job deleted not long ago.
-- KEYS: job, jobs of the tenant, open jobs, the id's tombstone, deleted jobs
-- ARGV: id, call, tenant, manifest, fingerprint, created (ms)
local there = redis.call('HMGET', KEYS[1], 'registered_by', 'fingerprint', 'tenant')
if there[1] then
  if there[1] == ARGV[2] then return {'registered'} end
  return {'there', there[2], there[3]}
end
if redis.call('EXISTS', KEYS[4]) == 1 or redis.call('SISMEMBER', KEYS[5], ARGV[1]) == 1 then return {'gone'} end
redis.call('HSET', KEYS[1], 'state', 'validating', 'registered_by', ARGV[2], 'tenant', ARGV[3], 'manifest', ARGV[4],
  'fingerprint', ARGV[5], 'created', ARGV[6])
redis.call('ZADD', KEYS[2], ARGV[6], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[1])
return {'registered'}
