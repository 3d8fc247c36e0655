-- Buckets: for each key take a number, if there are as many; a negative number gives back. Of a bucket only the time is kept at which it is full again.
-- ARGV, three for each key: microseconds to fill one up, how many it holds, how many to take. All by the clock of Redis.
-- Answers two numbers for each key: whether they were taken, microseconds until it is full.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answers = {}
for index, key in ipairs(KEYS) do
  local gap = tonumber(ARGV[3 * index - 2])
  local full = gap * tonumber(ARGV[3 * index - 1])
  local cost = gap * tonumber(ARGV[3 * index])
  local before = math.max(0, tonumber(redis.call('GET', key) or 0) - now)
  local backlog = math.min(before, full)
  local taken = 0
  if backlog + cost <= full then
    taken = 1
    backlog = math.max(0, backlog + cost)
  end
  if taken == 1 or backlog < before then -- or the rate was another one
    local lives = string.format('%.0f', math.ceil(backlog / 1000) + 1)
    redis.call('SET', key, string.format('%.0f', now + backlog), 'PX', lives)
  end
  answers[2 * index - 1] = taken
  answers[2 * index] = backlog
end
return answers
