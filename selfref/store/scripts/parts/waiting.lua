-- How many pairs of a job have not ended.
local function waiting(job)
  local ended = redis.call('HMGET', job, 'submitted', 'decided', 'tie', 'inconsistent', 'failed', 'canceled')
  local left = tonumber(ended[1] or 0)
  for index = 2, #ended do left = left - tonumber(ended[index] or 0) end
  return left
end
