-- uses: tally
-- Ends a pair as judged: the first writer wins. Outcome, label, counts, notice and acknowledgement, or nothing at all.
-- KEYS: judgment, work stream, counts, finished, labels, tallies
-- ARGV: id, call, group, entry, judgment, count to move, label, retention (ms), cap of `finished`,
-- and its tally: kind of judging, numbers
local now = redis.call('HMGET', KEYS[1], 'state', 'ended_by')
local ours = now[2] == ARGV[2] -- a repetition after a lost reply
if now[1] == 'waiting' and not ours then
  redis.call('HSET', KEYS[1], 'state', 'judged', 'result', ARGV[5], 'ended_by', ARGV[2], 'work', '')
  redis.call('PEXPIRE', KEYS[1], ARGV[8])
  redis.call('XADD', KEYS[5], '*', 'label', ARGV[7])
  redis.call('HINCRBY', KEYS[3], ARGV[6], 1)
  tally(KEYS[6], ARGV[10], ARGV[11])
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[9], '*', 'id', ARGV[1])
  ours = true
end
redis.call('XACK', KEYS[2], ARGV[3], ARGV[4])
redis.call('XDEL', KEYS[2], ARGV[4])
return ours and 1 or 0
