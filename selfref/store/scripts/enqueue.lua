-- uses: deal
-- Puts the next pairs of a running job on its ready list and moves its place in the plan, or says what the place is.
-- Idle workers wait on the batch stream, so as much as fits into its head start is dealt at once.
-- KEYS: job, ready list, turns, turns of the tenant, batch stream
-- ARGV: place that these pairs follow, place after them, job id, tenant, group, head start, prefix of the shard's keys,
-- then the pairs as `cost:number:work`
-- Returns {'fed' or 'elsewhere' or 'closed', place}.
local now = redis.call('HMGET', KEYS[1], 'state', 'fed')
if now[1] ~= 'running' then return {'closed', 0} end
if now[2] ~= ARGV[1] then return {'elsewhere', tonumber(now[2])} end
redis.call('HSET', KEYS[1], 'fed', ARGV[2])
local was_empty = redis.call('EXISTS', KEYS[2]) == 0
for index = 8, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[index]) end
if was_empty and #ARGV >= 8 then
  if redis.call('EXISTS', KEYS[4]) == 0 then redis.call('RPUSH', KEYS[3], ARGV[4]) end
  redis.call('RPUSH', KEYS[4], ARGV[3])
end
local undelivered = redis.call('XLEN', KEYS[5]) - redis.call('XPENDING', KEYS[5], ARGV[5])[1]
deal(tonumber(ARGV[6]) - undelivered, KEYS[5], ARGV[7])
return {'fed', tonumber(ARGV[2])}
