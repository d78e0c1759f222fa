-- Replaces the oldest entries of a sequence by the segment that holds them, unless somebody else has archived meanwhile,
-- or Redis has lost some of them: what it loses is always its newest, so where the last is, all are.
-- KEYS: stream, segments
-- ARGV: first and last position of the segment, segment, milliseconds of its last position, position after its last
-- Returns 1 when the segment is now part of the sequence.
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not first or first[1] ~= ARGV[1] then
  return redis.call('ZSCORE', KEYS[2], ARGV[3]) and 1 or 0 -- a repetition after a lost reply
end
if #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[5])
return 1
