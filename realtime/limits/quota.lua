-- One exchange of a process with the counts that all processes share; called by realtime/limits/store.py.
-- KEYS[1]: the base of all keys. ARGV: 1 this process's incarnation; 2 its lease and 3 the life of a count, in ms;
-- 4 JSON: `limits`: {window in s, rate per s, burst}; `counts`: list of {subject, slots granted here}; `admissions`:
-- list of {who, handshakes allowed in a window, list of {subject, most slots}}; `posts`: list of {user, number of posts
-- counted here since the last call}.
-- Returns 1 if this process was known, else 0; per admission -1 if granted, 0 if `who` had too many handshakes, or the
-- number, from 1, of the subject without a free slot; per user the level of the bucket, as text.
local base, me = KEYS[1], ARGV[1]
local lease, keep = tonumber(ARGV[2]), tonumber(ARGV[3])
local request = cjson.decode(ARGV[4])
local limits = request.limits
local time = redis.call("TIME")
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local function process_key(incarnation)
  return base .. ":process:" .. incarnation
end

local known = redis.call("EXISTS", process_key(me))
redis.call("SET", process_key(me), "1", "PX", lease)

local lives = { [me] = true }
local function is_alive(incarnation)
  if lives[incarnation] == nil then
    lives[incarnation] = redis.call("EXISTS", process_key(incarnation)) == 1
  end
  return lives[incarnation]
end

-- Other versions of Flowra may share the table, so key names stay as they are.
local function slots_key(subject)
  return base .. ":places:" .. subject
end

-- Returns the slots of a subject in all processes, and drops the counts of those whose lease has expired.
local function count_slots(subject)
  local key, total = slots_key(subject), 0
  local counts = redis.call("HGETALL", key)
  for i = 1, #counts, 2 do
    if is_alive(counts[i]) then
      total = total + tonumber(counts[i + 1])
    else
      redis.call("HDEL", key, counts[i])
    end
  end
  return total
end

-- As realtime.limits.buckets.SlidingWindow.
local function allow_handshake(who, limit)
  local window = math.floor(now / limits.window)
  local key = base .. ":handshakes:" .. who .. ":"
  local taken = tonumber(redis.call("GET", key .. window) or "0")
  local before = tonumber(redis.call("GET", key .. (window - 1)) or "0")
  if before * (1 - (now / limits.window - window)) + taken >= limit then
    return false
  end
  redis.call("INCR", key .. window)
  redis.call("PEXPIRE", key .. window, 2000 * limits.window)
  return true
end

for _, entry in ipairs(request.counts) do
  local key = slots_key(entry[1])
  if entry[2] > 0 then
    redis.call("HSET", key, me, entry[2])
    redis.call("PEXPIRE", key, keep)
  else
    redis.call("HDEL", key, me)
  end
end

local verdicts = {}
for i, entry in ipairs(request.admissions) do
  local verdict = allow_handshake(entry[1], entry[2]) and -1 or 0
  for number, subject in ipairs(entry[3]) do
    if verdict == -1 and count_slots(subject[1]) >= subject[2] then
      verdict = number
    end
  end
  if verdict == -1 then
    for _, subject in ipairs(entry[3]) do
      redis.call("HINCRBY", slots_key(subject[1]), me, 1)
      redis.call("PEXPIRE", slots_key(subject[1]), keep)
    end
  end
  verdicts[i] = verdict
end

-- As realtime.limits.buckets.TokenBucket, but the level may fall to -burst: each process allowed its posts before it
-- knew of the others'.
local levels = {}
for i, entry in ipairs(request.posts) do
  local key = base .. ":posts:" .. entry[1]
  local bucket = redis.call("HMGET", key, "level", "at")
  local level = limits.burst
  if bucket[1] then
    level = math.min(level, tonumber(bucket[1]) + math.max(0, now - tonumber(bucket[2])) * limits.rate)
  end
  level = math.max(level - entry[2], -limits.burst)
  redis.call("HSET", key, "level", string.format("%.6f", level), "at", string.format("%.6f", now))
  redis.call("PEXPIRE", key, math.ceil((limits.burst - level) / limits.rate * 1000) + 1000)
  levels[i] = string.format("%.6f", level)
end

return { known, verdicts, levels }
