-- Adds what one pair says of its judge to the tenant's hash of them (selfref/store/tallies.py): integers of 64 bits in one
-- string a field, because fields of their own cost a call each. A kind of judging beyond the most shares `other`.
-- Versions that are mixed may know more or fewer integers: what one does not know is 0, and stays.
local function tally(key, kind, more, what, most)
  local known = redis.call('HGET', key, kind)
  if not known and what ~= '' then
    if redis.call('HLEN', key) < 2 * most then -- each has two fields
      redis.call('HSET', key, kind, more, kind .. ':of', what)
      return
    end
    kind = 'other'
    known = redis.call('HGET', key, kind)
  end
  if known then
    local size = math.max(#known, #more)
    local layout = '<' .. string.rep('I8', size / 8)
    local sums = {struct.unpack(layout, known .. string.rep('\0', size - #known))}
    local added = {struct.unpack(layout, more .. string.rep('\0', size - #more))}
    for index = 1, size / 8 do sums[index] = sums[index] + added[index] end
    more = struct.pack(layout, unpack(sums, 1, size / 8))
  end
  redis.call('HSET', key, kind, more)
end
