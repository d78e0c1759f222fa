-- Hands up to `count` new entries of one shard to a consumer: first what is kept for the batch lane, then interactive
-- work, then batch work again for what is left. Returns {interactive entries, batch entries}.
-- KEYS: interactive stream, batch stream
-- ARGV: group, consumer, count, kept for the batch lane
local function take(key, count)
  if count <= 0 then return {} end
  local reply = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', count, 'STREAMS', key, '>')
  if not reply then return {} end
  return reply[1][2]
end
local count = tonumber(ARGV[3])
local batch = take(KEYS[2], math.min(count, tonumber(ARGV[4])))
local interactive = take(KEYS[1], count - #batch)
for _, entry in ipairs(take(KEYS[2], count - #batch - #interactive)) do
  batch[#batch + 1] = entry
end
return {interactive, batch}
