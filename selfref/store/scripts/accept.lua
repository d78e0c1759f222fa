-- Accepts a pair, or says why not. The call that was accepted is told so again when it is repeated.
-- KEYS: judgment, work stream, counts, unarchived sequences
-- ARGV: id, call, work, waiting, tenant, lane, fingerprint, queue limit, label sequence
local there = redis.call('HMGET', KEYS[1], 'accepted_by', 'fingerprint', 'tenant')
if there[1] then
  if there[1] == ARGV[2] then return {'accepted'} end
  return {'there', there[2], there[3]}
end
local length = redis.call('XLEN', KEYS[2])
if length >= tonumber(ARGV[8]) then return {'full', length} end
redis.call('HSET', KEYS[1], 'state', 'waiting', 'accepted_by', ARGV[2], 'work', ARGV[3], 'result', ARGV[4],
  'tenant', ARGV[5], 'lane', ARGV[6], 'fingerprint', ARGV[7])
redis.call('XADD', KEYS[2], '*', 'id', ARGV[1])
redis.call('HINCRBY', KEYS[3], 'submitted', 1)
redis.call('SADD', KEYS[4], ARGV[9])
return {'accepted'}
