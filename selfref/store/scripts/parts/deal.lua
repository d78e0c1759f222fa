-- Deals waiting pairs of jobs to the batch stream: deficit round robin over tenants, then in turn over a tenant's jobs.
-- Each pair costs what it makes the engine do; a tenant that has overdrawn its credit sits out until it is paid back.
-- Lists: `turns` tenants with waiting pairs, `turns:<tenant>` their jobs with waiting pairs, `ready:<job>` pairs as
-- `cost:number:work`. A tenant or job is in its list exactly while it has waiting pairs, and a tenant has credit (or owes
-- some) at most as long. It owes less than one pair costs, so of two tenants that wait for some time neither gets more
-- than 3 quanta and 2 pairs' cost ahead of the other.
-- These keys are made of names found in other keys; all of them share the shard's hash tag.
local QUANTUM = 4 -- credit a turn; a plain pair costs 1
local function deal(most, stream, shard)
  local turns, credits = shard .. 'turns', shard .. 'credits'
  local dealt = 0
  while dealt < most do
    local tenant = redis.call('LINDEX', turns, 0)
    if not tenant then break end
    local jobs = turns .. ':' .. tenant
    local credit = tonumber(redis.call('HGET', credits, tenant) or 0)
    if credit <= 0 then credit = credit + QUANTUM end
    local job = credit > 0 and redis.call('LINDEX', jobs, 0)
    if job then
      local ready = shard .. 'ready:' .. job
      local pairs_ = redis.call('LPOP', ready, math.min(credit, most - dealt)) or {}
      for index, pair in ipairs(pairs_) do
        if credit <= 0 then -- they cost more than 1: the rest goes back to the front
          for back = #pairs_, index, -1 do redis.call('LPUSH', ready, pairs_[back]) end
          break
        end
        local cost, number, work = string.match(pair, '^(%d+):(%d+):(.*)$')
        redis.call('XADD', stream, '*', 'id', job .. '.' .. number, 'work', work)
        credit = credit - cost
        dealt = dealt + 1
      end
      redis.call('LPOP', jobs)
      if redis.call('EXISTS', ready) == 1 then redis.call('RPUSH', jobs, job) end
    end
    redis.call('HSET', credits, tenant, credit)
    if redis.call('EXISTS', jobs) == 0 then
      redis.call('LPOP', turns)
      redis.call('HDEL', credits, tenant)
    elseif credit <= 0 then
      redis.call('LMOVE', turns, turns, 'LEFT', 'RIGHT')
    end
  end
  return dealt
end
