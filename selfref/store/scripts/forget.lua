-- Looks no more for something to archive in a sequence of a job, unless the job runs (again).
-- KEYS: unarchived sequences, job.   ARGV: sequence
local state = redis.call('HGET', KEYS[2], 'state')
if state == 'running' or state == 'validating' then return 0 end
return redis.call('SREM', KEYS[1], ARGV[1])
