-- Adds what one pair says of its judge to the tenant's hash of them (selfref/store/tallies.py): thirteen integers of 64 bits
-- in one string a field. A kind of judging beyond the most shares `other`. One that an older version wrote is shorter; what
-- a newer one wrote behind the thirteen stays. Written out, because a loop over tables takes a microsecond more a pair.
local MOST, LAYOUT, SIZE = 200, '<I8I8I8I8I8I8I8I8I8I8I8I8I8', 104
local function tally(key, kind, more)
  local known = redis.call('HGET', key, kind)
  if not known and kind ~= 'other' and redis.call('HLEN', key) >= MOST then
    kind = 'other'
    known = redis.call('HGET', key, kind)
  end
  if known then
    if #known < SIZE then known = known .. string.rep('\0', SIZE - #known) end
    local a, b, c, d, e, f, g, h, i, j, k, l, m = struct.unpack(LAYOUT, known)
    local A, B, C, D, E, F, G, H, I, J, K, L, M = struct.unpack(LAYOUT, more)
    more = struct.pack(LAYOUT, a + A, b + B, c + C, d + D, e + E, f + F, g + G, h + H, i + I, j + J, k + K, l + L, m + M)
      .. string.sub(known, SIZE + 1)
  end
  redis.call('HSET', key, kind, more)
end
