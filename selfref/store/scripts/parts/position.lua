-- Stream ids as two numbers; true where the first lies after the second. Sequence numbers stay far below 2^53.
local function after(left, right)
  local left_ms, left_seq = string.match(left, '^(%d+)-(%d+)$')
  local right_ms, right_seq = string.match(right, '^(%d+)-(%d+)$')
  left_ms, right_ms = tonumber(left_ms), tonumber(right_ms)
  if left_ms ~= right_ms then return left_ms > right_ms end
  return tonumber(left_seq) > tonumber(right_seq)
end
