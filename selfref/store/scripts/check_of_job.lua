-- uses: usage
-- Ends a hidden check of a job: its reading is kept for the report, and nothing else comes of it.
-- KEYS: job, batch stream, checks
-- ARGV: group, entry, field, reading, usage
if redis.call('XACK', KEYS[2], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XDEL', KEYS[2], ARGV[2])
local now = redis.call('HMGET', KEYS[1], 'state', 'usage')
if now[1] ~= 'running' then return 0 end
redis.call('HSET', KEYS[3], ARGV[3], ARGV[4])
redis.call('HINCRBY', KEYS[1], 'checks_ended', 1)
redis.call('HSET', KEYS[1], 'usage', with(now[2], ARGV[5]))
return 1
