-- Makes the failed pairs of a job wait again: their number is added to the plan, with the stretch of the failures
-- sequence that names them. Returns {state, pairs that wait again}.
-- KEYS: job, open jobs, ended jobs, retries, failures stream, unarchived sequences
-- ARGV: id, call, then the sequences that it will write
local now = redis.call('HMGET', KEYS[1], 'state', 'failed', 'retried_by', 'retried_through')
if now[3] == ARGV[2] then -- a repetition after a lost reply
  return {now[1], tonumber(string.match(redis.call('LINDEX', KEYS[4], -1), '%d+$'))}
end
local failed = tonumber(now[2] or 0)
if (now[1] ~= 'running' and now[1] ~= 'completed') or failed == 0 then return {now[1], 0} end
local through = redis.call('XINFO', 'STREAM', KEYS[5])
for index = 1, #through, 2 do
  if through[index] == 'last-generated-id' then through = through[index + 1] break end
end
redis.call('RPUSH', KEYS[4], (now[4] or '0-0') .. ' ' .. through .. ' ' .. failed)
redis.call('HSET', KEYS[1], 'state', 'running', 'failed', 0, 'retried_by', ARGV[2], 'retried_through', through)
redis.call('HINCRBY', KEYS[1], 'planned', failed)
redis.call('HDEL', KEYS[1], 'ended')
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
for index = 3, #ARGV do redis.call('SADD', KEYS[6], ARGV[index]) end
return {'running', failed}
