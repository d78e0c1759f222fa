-- Takes segments out of a sequence and leaves their files to be removed.
-- KEYS: segments, garbage.   ARGV: for each its member and its file
for index = 1, #ARGV, 2 do
  redis.call('SADD', KEYS[2], ARGV[index + 1])
  redis.call('ZREM', KEYS[1], ARGV[index])
end
return #ARGV / 2
