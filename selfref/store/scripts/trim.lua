-- uses: position
-- Drops the oldest labels up to and including a position: archived segments that end there or before, then entries of the
-- stream. How far is remembered in the same step, so that no cursor before it is served and none after it refused.
-- KEYS: labels, segments, trimmed, garbage
-- ARGV: position, most segments or entries to drop
-- Returns {labels dropped, 1 when there may be more to drop}.
local most = tonumber(ARGV[2])
local trimmed = redis.call('GET', KEYS[3]) or '0-0'
local dropped, steps = 0, 0
local function drop(count, last)
  dropped, steps = dropped + count, steps + 1
  if after(last, trimmed) then trimmed = last end
end
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, most - 1)) do
  local segment = cjson.decode(member)
  if not after(segment.last, ARGV[1]) then
    redis.call('SADD', KEYS[4], segment.file)
    redis.call('ZREM', KEYS[2], member)
    drop(segment.count, segment.last)
  end
end
if steps < most then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', ARGV[1], 'COUNT', most - steps)) do
    redis.call('XDEL', KEYS[1], entry[1])
    drop(1, entry[1])
  end
end
if steps > 0 then redis.call('SET', KEYS[3], trimmed) end
return {dropped, steps >= most and 1 or 0}
