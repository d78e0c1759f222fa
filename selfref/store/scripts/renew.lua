-- Renews leases of one shard, each only while its own consumer still holds it (a plain XCLAIM would steal it back).
-- Returns for each claim: held, lost or canceled. What has ended is dropped on the way.
-- KEYS: interactive stream, batch stream, then for each claim its judgment or, of a job's pair, its job
-- ARGV: group, then for each claim: index of its stream (1 or 2), entry, consumer
local standings = {}
for claim = 1, #KEYS - 2 do
  local stream = KEYS[tonumber(ARGV[claim * 3 - 1])]
  local entry, consumer = ARGV[claim * 3], ARGV[claim * 3 + 1]
  local state = redis.call('HGET', KEYS[claim + 2], 'state')
  if state ~= 'waiting' and state ~= 'running' then
    redis.call('XACK', stream, ARGV[1], entry)
    redis.call('XDEL', stream, entry)
    standings[claim] = state == 'canceled' and 'canceled' or 'lost'
  elseif #redis.call('XPENDING', stream, ARGV[1], entry, entry, 1, consumer) == 0 then
    standings[claim] = 'lost'
  else
    redis.call('XCLAIM', stream, ARGV[1], consumer, 0, entry, 'JUSTID')
    standings[claim] = 'held'
  end
end
return standings
