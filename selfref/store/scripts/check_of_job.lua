-- Ends a hidden check of a job: its reading is kept for the report, and nothing else comes of it.
-- KEYS: job, batch stream, checks
-- ARGV: group, entry, field, reading, calls, prompt tokens, completion tokens
if redis.call('XACK', KEYS[2], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XDEL', KEYS[2], ARGV[2])
if redis.call('HGET', KEYS[1], 'state') ~= 'running' then return 0 end
redis.call('HSET', KEYS[3], ARGV[3], ARGV[4])
redis.call('HINCRBY', KEYS[1], 'checks_ended', 1)
redis.call('HINCRBY', KEYS[1], 'calls', ARGV[5])
redis.call('HINCRBY', KEYS[1], 'prompt_tokens', ARGV[6])
redis.call('HINCRBY', KEYS[1], 'completion_tokens', ARGV[7])
return 1
