-- Removes a consumer that ends. What it still holds goes back first: deleting a consumer forgets its pending entries.
-- KEYS: work stream
-- ARGV: group, consumer
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 10000, ARGV[2])) do
  local entry = redis.call('XRANGE', KEYS[1], pending[1], pending[1])[1]
  if entry then redis.call('XADD', KEYS[1], '*', unpack(entry[2])) end
  redis.call('XACK', KEYS[1], ARGV[1], pending[1])
  redis.call('XDEL', KEYS[1], pending[1])
end
return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
