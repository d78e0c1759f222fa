-- uses: position
-- What follows a position in a sequence whose older part is archived: the next archived segment, or else entries.
-- Archiving moves entries from one to the other in a single step, so a reader sees each exactly once.
-- KEYS: stream, segments (by the milliseconds of their last position)
-- ARGV: position, most entries
-- Returns {segment or false, entries}.
local nearest, nearest_last
local function look_at_all_that_end_at(milliseconds)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], milliseconds, milliseconds)) do
    local last = string.match(member, '"last":"([%d-]+)"')
    if after(last, ARGV[1]) and (not nearest or after(nearest_last, last)) then nearest, nearest_last = member, last end
  end
end
local here = string.match(ARGV[1], '^%d+')
look_at_all_that_end_at(here)
if not nearest then
  local next = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. here, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if next[1] then look_at_all_that_end_at(next[2]) end
end
if nearest then return {nearest, {}} end
return {false, redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])}
