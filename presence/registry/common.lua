-- Every command begins with this: it applies the time that has passed, as memory.py does (interface: base.py).
-- KEYS[1]: the base of all keys. ARGV: 1 Unix time in ms, "" for the server's; 2 the highest version that the caller
-- has seen; 3 lease and 4 grace in ms; 5 to 9 MAX_STEP, CONFIRM_WITHIN, SETTLE in ms, MAX_UNCONFIRMED, REAP_LIMIT;
-- from 10 on the command's own. A reply is {status, serial, …}.
local base = KEYS[1]
local META, PROCESSES, USERS = base .. ":meta", base .. ":processes", base .. ":users"
local HOLDERS, LEAVING = base .. ":holders", base .. ":leaving"
local PENDING, EDGES, UNCONFIRMED = base .. ":pending", base .. ":edges", base .. ":unconfirmed"
local floor, lease, grace = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local MAX_STEP, CONFIRM_WITHIN, SETTLE = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local MAX_UNCONFIRMED, REAP_LIMIT = tonumber(ARGV[8]), tonumber(ARGV[9])
local BATCH = 5000 -- users of expired leases, and of ended graces, in one call; the next call goes on

local epoch, serial, base_version, settled_at, now, wall

-- tostring() writes large numbers as 1.7e+12.
local function text(number)
  return string.format("%.0f", number)
end

local function process_key(incarnation)
  return base .. ":process:" .. incarnation
end

local function holds_key(incarnation)
  return base .. ":holds:" .. incarnation
end

local function kicks_key(incarnation)
  return base .. ":kicks:" .. incarnation
end

local function split(list)
  local parts = {}
  for part in string.gmatch(list or "", "[^,]+") do
    parts[#parts + 1] = part
  end
  return parts
end

local function without(list, gone)
  local kept = {}
  for _, part in ipairs(list) do
    if part ~= gone then
      kept[#kept + 1] = part
    end
  end
  return kept
end

local function save()
  redis.call("HSET", META, "epoch", epoch, "serial", text(serial), "base", text(base_version),
    "settled_at", text(settled_at), "clock", text(now), "wall", text(wall))
end

local function delete_process(incarnation)
  redis.call("ZREM", PROCESSES, incarnation)
  redis.call("DEL", process_key(incarnation), holds_key(incarnation), kicks_key(incarnation))
end

local function clear()
  for _, incarnation in ipairs(redis.call("ZRANGE", PROCESSES, 0, -1)) do
    delete_process(incarnation)
  end
  redis.call("DEL", META, PROCESSES, USERS, HOLDERS, LEAVING, PENDING, EDGES, UNCONFIRMED)
end

local function drop_edge(version)
  local edge = redis.call("HGET", EDGES, version)
  if not edge then
    return
  end
  redis.call("HDEL", EDGES, version)
  redis.call("ZREM", PENDING, version)
  local user = string.match(edge, "^[^|]+")
  local rest = without(split(redis.call("HGET", UNCONFIRMED, user)), version)
  if #rest > 0 then
    redis.call("HSET", UNCONFIRMED, user, table.concat(rest, ","))
  else
    redis.call("HDEL", UNCONFIRMED, user)
  end
end

-- `at` is registry time. While the registry settles no edge is handed out: clients load again.
local function make_edge(user, online, at)
  serial = serial + 1
  local version, seen_at = text(serial), text(wall - (now - at))
  redis.call("HSET", USERS, user, version .. "|" .. online .. "|" .. seen_at)
  if now < settled_at then
    return
  end
  redis.call("HSET", EDGES, version, user .. "|" .. online .. "|" .. seen_at)
  redis.call("ZADD", PENDING, 0, version)
  local mine = split(redis.call("HGET", UNCONFIRMED, user))
  mine[#mine + 1] = version
  redis.call("HSET", UNCONFIRMED, user, table.concat(mine, ","))
  if #mine > MAX_UNCONFIRMED then
    drop_edge(mine[1])
  end
end

-- Return these edges and all earlier unconfirmed ones of the same users, in order of version.
local function hand_out(versions)
  local given, order = {}, {}
  for _, version in ipairs(versions) do
    local user = string.match(redis.call("HGET", EDGES, version), "^[^|]+")
    for _, earlier in ipairs(split(redis.call("HGET", UNCONFIRMED, user))) do
      if tonumber(earlier) <= tonumber(version) and not given[earlier] then
        given[earlier] = true
        order[#order + 1] = tonumber(earlier)
      end
    end
  end
  table.sort(order)
  local edges = {}
  for _, number in ipairs(order) do
    local version = text(number)
    redis.call("ZADD", PENDING, now + CONFIRM_WITHIN, version)
    edges[#edges + 1] = version .. "|" .. redis.call("HGET", EDGES, version)
  end
  return edges
end

-- Record that the process no longer holds the user; returns whether it was the last one.
local function release(incarnation, user)
  if redis.call("HDEL", holds_key(incarnation), user) == 0 then
    return false
  end
  local rest = without(split(redis.call("HGET", HOLDERS, user)), incarnation)
  if #rest > 0 then
    redis.call("HSET", HOLDERS, user, table.concat(rest, ","))
    return false
  end
  redis.call("HDEL", HOLDERS, user)
  return true
end

local function lease_of(incarnation)
  return tonumber(redis.call("ZSCORE", PROCESSES, incarnation) or "0")
end

-- Release one user of an expired lease.
local function expire(incarnation, user)
  if release(incarnation, user) then
    make_edge(user, "0", lease_of(incarnation) - lease)
  end
end

local function end_grace(user, due)
  redis.call("ZREM", LEAVING, user)
  make_edge(user, "0", due - grace)
end

local function has_backlog()
  return #redis.call("ZRANGEBYSCORE", PROCESSES, "-inf", now, "LIMIT", 0, 1) > 0
    or #redis.call("ZRANGEBYSCORE", LEAVING, "-inf", now, "LIMIT", 0, 1) > 0
end

-- Apply the time that has passed to one user, while a backlog is left.
local function apply_time_to(user)
  local expired = {}
  for _, incarnation in ipairs(split(redis.call("HGET", HOLDERS, user))) do
    if lease_of(incarnation) <= now then
      expired[#expired + 1] = incarnation
    end
  end
  -- The longest lease last: that process saw the user last.
  table.sort(expired, function(one, other) return lease_of(one) < lease_of(other) end)
  for _, incarnation in ipairs(expired) do
    expire(incarnation, user)
  end
  local due = redis.call("ZSCORE", LEAVING, user)
  if due and tonumber(due) <= now then
    end_grace(user, tonumber(due))
  end
end

local function free_expired()
  local left = BATCH
  for _, incarnation in ipairs(redis.call("ZRANGEBYSCORE", PROCESSES, "-inf", now)) do
    local users = redis.call("HKEYS", holds_key(incarnation))
    for index = 1, math.min(#users, left) do
      expire(incarnation, users[index])
    end
    if #users > left then
      return
    end
    left = left - #users
    delete_process(incarnation)
  end
end

-- `wake`: the caller has just started. If nobody called for longer than a lease, all other processes have ended and all
-- that time counts.
local function begin(wake)
  local meta = redis.call("HMGET", META, "epoch", "serial", "base", "settled_at", "clock", "wall")
  -- Changes nothing, but a server that is out of memory refuses it and so the script. A script that begins with a DEL
  -- would run to its end: time would pass for a process that cannot renew its lease, and its users would go offline.
  redis.call("HSET", META, "wall", meta[6] or "0")
  if tonumber(meta[2] or "0") < floor then
    clear() -- the server was put back to an earlier state
    -- The next epoch begins above it; otherwise every read would empty it until the clock has caught up.
    meta = { false, ARGV[2] }
  end
  epoch = meta[1] or ""
  serial, base_version = tonumber(meta[2] or "0"), tonumber(meta[3] or "0")
  settled_at, now, wall = tonumber(meta[4] or "0"), tonumber(meta[5] or "0"), tonumber(meta[6] or "0")
  local given = tonumber(ARGV[1])
  if not given then
    local time = redis.call("TIME")
    given = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  end
  local passed = math.max(0, given - wall)
  if not (wake and passed > lease) then
    passed = math.min(passed, MAX_STEP)
  end
  now, wall = now + passed, given
  if epoch == "" then
    return
  end
  free_expired()
  local due = redis.call("ZRANGEBYSCORE", LEAVING, "-inf", now, "WITHSCORES", "LIMIT", 0, BATCH)
  for index = 1, #due, 2 do
    end_grace(due[index], tonumber(due[index + 1]))
  end
end

local function finish(...)
  save()
  return { "ok", text(serial), ... }
end

local function refuse(status, reason)
  save()
  return { status, text(serial), reason }
end

local function is_live(incarnation)
  return epoch ~= "" and lease_of(incarnation) > now
end
