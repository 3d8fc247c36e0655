-- The failure state of one key: consecutive failures, the time of the last one, the time of the last success.
-- ARGV: the operation (peek, record_failure, forgive_one, reset), and the milliseconds after which failures and successes expire.
-- Returns the failures, the milliseconds since the last one, and 1 if an attempt succeeded before.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key, operation, forget, keep = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', key, 'failures', 'failed_at', 'known_at')
local failures = tonumber(kept[1] or 0)
local failed_at = tonumber(kept[2] or now)
local known_at = tonumber(kept[3] or 0)
if now - failed_at > forget then failures = 0 end
if now - known_at > keep then known_at = 0 end
if operation == 'record_failure' then
  failures, failed_at = failures + 1, now
elseif operation == 'forgive_one' then
  failures = math.max(0, failures - 1)
elseif operation == 'reset' then
  failures, known_at = 0, now
end
if operation ~= 'peek' then
  local function text(number) return string.format('%.0f', number) end
  redis.call('HSET', key, 'failures', text(failures), 'failed_at', text(failed_at), 'known_at', text(known_at))
  redis.call('PEXPIRE', key, known_at > 0 and keep or forget)
end
return { failures, math.max(0, now - failed_at), known_at > 0 and 1 or 0 }
