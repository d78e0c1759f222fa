-- uses: tally
-- Ends a pair of a job as failed: failure, count and acknowledgement, or nothing. There is no label.
-- KEYS: job, batch stream, failures, tallies
-- ARGV: group, entry, failure, and its tally: kind of judging, numbers
if redis.call('XACK', KEYS[2], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XDEL', KEYS[2], ARGV[2])
if redis.call('HGET', KEYS[1], 'state') ~= 'running' then return 0 end
redis.call('XADD', KEYS[3], '*', 'failure', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'failed', 1)
tally(KEYS[4], ARGV[4], ARGV[5])
return 1
