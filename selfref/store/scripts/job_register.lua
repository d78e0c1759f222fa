-- Makes an upload known, once. Returns {'registered'}, or {'there', fingerprint, tenant} for an id that is taken.
-- KEYS: job, jobs of the tenant, open jobs
-- ARGV: id, call, tenant, manifest, fingerprint, created (ms)
local there = redis.call('HMGET', KEYS[1], 'registered_by', 'fingerprint', 'tenant')
if there[1] then
  if there[1] == ARGV[2] then return {'registered'} end
  return {'there', there[2], there[3]}
end
redis.call('HSET', KEYS[1], 'state', 'validating', 'registered_by', ARGV[2], 'tenant', ARGV[3], 'manifest', ARGV[4],
  'fingerprint', ARGV[5], 'created', ARGV[6])
redis.call('ZADD', KEYS[2], ARGV[6], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[1])
return {'registered'}
