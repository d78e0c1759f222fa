-- uses: usage, tally
-- Ends a pair of a job as judged: judgment, label, counts, usage and acknowledgement, or nothing at all.
-- Whoever acknowledges the pair's one live entry ends it; for anybody later there is nothing to acknowledge.
-- KEYS: job, batch stream, results, labels, tallies, and for a pair that is judged a second time the checks
-- ARGV: group, entry, judgment, label, count to move, usage, its tally (kind of judging, numbers),
-- and with the checks the pair's field and reading in them
if redis.call('XACK', KEYS[2], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XDEL', KEYS[2], ARGV[2])
local now = redis.call('HMGET', KEYS[1], 'state', ARGV[5], 'usage')
if now[1] ~= 'running' then return 0 end
redis.call('XADD', KEYS[3], '*', 'judgment', ARGV[3])
redis.call('XADD', KEYS[4], '*', 'label', ARGV[4])
redis.call('HSET', KEYS[1], ARGV[5], (now[2] or 0) + 1, 'usage', with(now[3], ARGV[6]))
tally(KEYS[5], ARGV[7], ARGV[8])
if KEYS[6] then redis.call('HSET', KEYS[6], ARGV[9], ARGV[10]) end
return 1
