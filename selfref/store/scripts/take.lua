-- uses: deal
-- Hands up to `count` new entries of one shard to a consumer: first what is kept for the batch lane, then interactive
-- work, then batch work again for what is left. Batch work is dealt from the jobs' ready lists as it is taken, so whose
-- turn it is is decided as late as can be. Returns {interactive entries, batch entries}.
-- KEYS: interactive stream, batch stream
-- ARGV: group, consumer, count, kept for the batch lane, prefix of the shard's keys
local function take(key, count)
  if count <= 0 then return {} end
  local reply = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', count, 'STREAMS', key, '>')
  if not reply then return {} end
  return reply[1][2]
end
local function append(entries, more)
  for _, entry in ipairs(more) do entries[#entries + 1] = entry end
end
local function take_batch(count)
  local entries = take(KEYS[2], count)
  if #entries < count and deal(count - #entries, KEYS[2], ARGV[5]) > 0 then
    append(entries, take(KEYS[2], count - #entries))
  end
  return entries
end
local count = tonumber(ARGV[3])
local batch = take_batch(math.min(count, tonumber(ARGV[4])))
local interactive = take(KEYS[1], count - #batch)
append(batch, take_batch(count - #batch - #interactive))
return {interactive, batch}
