-- Rate limits (GCRA): acquires a cost from each key, or nothing. A negative cost returns what was acquired.
-- A key stores only the time at which its limit is full again, by the clock of Redis.
-- ARGV, three for each key: microseconds per unit, burst, cost.
-- Returns two numbers for each key: 1 if the cost was acquired, and the microseconds until the limit is full.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local replies = {}
for index, key in ipairs(KEYS) do
  local gap = tonumber(ARGV[3 * index - 2])
  local full = gap * tonumber(ARGV[3 * index - 1])
  local cost = gap * tonumber(ARGV[3 * index])
  local before = math.max(0, tonumber(redis.call('GET', key) or 0) - now)
  local backlog = math.min(before, full)
  local acquired = 0
  if backlog + cost <= full then
    acquired = 1
    backlog = math.max(0, backlog + cost)
  end
  if acquired == 1 or backlog < before then -- the second case: the rate has changed
    local lives = string.format('%.0f', math.ceil(backlog / 1000) + 1)
    redis.call('SET', key, string.format('%.0f', now + backlog), 'PX', lives)
  end
  replies[2 * index - 1] = acquired
  replies[2 * index] = backlog
end
return replies
