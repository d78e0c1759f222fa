-- uses: tally
-- Ends a pair as failed: the first writer wins. Outcome, dead letter, counts, notice and acknowledgement, or nothing.
-- The work is kept, so that the pair can be replayed.
-- KEYS: judgment, work stream, counts, finished, dead letters, tallies
-- ARGV: id, call, group, entry, failure, retention (ms), cap of `finished`, cap of dead letters, tenant, code, message, time,
-- and its tally: kind of judging, numbers
local now = redis.call('HMGET', KEYS[1], 'state', 'ended_by')
local ours = now[2] == ARGV[2]
if now[1] == 'waiting' and not ours then
  redis.call('HSET', KEYS[1], 'state', 'failed', 'result', ARGV[5], 'ended_by', ARGV[2])
  local dead = redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[8], '*', 'id', ARGV[1], 'tenant', ARGV[9],
    'code', ARGV[10], 'message', ARGV[11], 'failed_at', ARGV[12])
  redis.call('HSET', KEYS[1], 'dead', dead)
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
  redis.call('HINCRBY', KEYS[3], 'failed', 1)
  tally(KEYS[6], ARGV[13], ARGV[14])
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[7], '*', 'id', ARGV[1])
  ours = true
end
redis.call('XACK', KEYS[2], ARGV[3], ARGV[4])
redis.call('XDEL', KEYS[2], ARGV[4])
return ours and 1 or 0
