-- Returns for each process: incarnation, host, pid, version, since, ms left of its lease, users and connections in turn.
begin(false)
local processes = {}
for _, incarnation in ipairs(redis.call("ZRANGEBYSCORE", PROCESSES, "(" .. text(now), "+inf")) do
  local fields = redis.call("HMGET", process_key(incarnation), "host", "pid", "version", "since")
  processes[#processes + 1] = { incarnation, fields[1], fields[2], fields[3], fields[4],
    text(lease_of(incarnation) - now), redis.call("HGETALL", holds_key(incarnation)) }
end
return finish(processes)
